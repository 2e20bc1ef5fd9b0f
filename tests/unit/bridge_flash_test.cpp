// A flash ends with a whole image on the board, the new one or the old one, whatever happens.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "firmware-bridge/flash/board_content.h"
#include "tests/support/fakes/fake_files.h"
#include "tests/support/fakes/fake_flash.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace bridge;                // NOLINT: what is tested
using sim::FlashLife;

constexpr std::size_t kOldBytes = 40 * sim::kFakePageBytes;
constexpr std::size_t kNewBytes = 30 * sim::kFakePageBytes;
constexpr rt::Nanos kLong = 300s;

rt::Error broken_line() {
  return {rt::Errc::kUnavailable, "planned"};
}

/// A machine with a board, which lives on when the bridge does not.
struct Machine {
  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::FakeFlashedBoard board;
  std::string whole_flash;  ///< before anything was flashed
  std::unique_ptr<FlashLife> life;
  FlashFollowerPtr follower = std::make_shared<FlashFollower>();
  std::vector<FlashOutcome> told;
  std::vector<std::string> steps;

  Machine() {
    board.hold(sim::fake_firmware("1.0", kOldBytes));
    whole_flash = board.flash;
    follower->on_progress = [this](const FlashProgress& progress) {
      const std::string step(to_string(progress.step));
      if (steps.empty() || steps.back() != step) steps.push_back(step);
    };
    follower->on_outcome = [this](const FlashOutcome& outcome) { told.push_back(outcome); };
    start();
  }
  void start() { life = std::make_unique<FlashLife>(world, disk, board); }

  [[nodiscard]] static FlashRequest request(const std::string& id, const std::string& version) {
    FlashRequest request;
    request.id = id;
    request.device = "node";
    request.image = sim::fake_hex(sim::fake_firmware(version, kNewBytes));
    request.version = version;
    return request;
  }
  rt::Status flash(const FlashRequest& request) { return life->desk->flash(request, follower); }
  /// The outcome; of what ends without one a check fails.
  FlashOutcome flash_to_end(const FlashRequest& request) {
    const std::size_t before = told.size();
    const auto begun = flash(request);
    if (!begun) FAIL(begun.error().message);
    world.run_until([&] { return told.size() > before; }, kLong);
    REQUIRE(told.size() == before + 1);
    return told.back();
  }
  void kill() {
    life.reset();
    disk.restart_after_kill();
  }
  void lose_power(std::uint64_t seed) {
    life.reset();
    sim::Dice dice(seed);
    disk.restart_after_power_cut(dice);
  }
  [[nodiscard]] std::string outcome_of(const std::string& id) const {
    const FlashOutcome* outcome = life->journal->find_outcome(id);
    return outcome == nullptr ? "unknown" : std::string(to_string(outcome->state));
  }
  [[nodiscard]] std::size_t unfinished() const {
    const auto records = life->journal->load_unfinished();
    REQUIRE(records.has_value());
    return records->records.size() + records->damaged.size();
  }
};

TEST_CASE("a flash ends with the new image running, and the old one is kept") {
  Machine machine;
  const FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kDone);
  CHECK(outcome.step == FlashStep::kCommit);
  CHECK(outcome.error.empty());
  CHECK_FALSE(outcome.interrupted);
  CHECK(outcome.version == "2.0");
  CHECK(machine.steps == std::vector<std::string>{"check", "suspend", "identify", "read", "write",
                                                  "verify", "confirm", "commit"});
  CHECK(machine.board.running() == "2.0");
  CHECK_FALSE(machine.board.boot_written);
  CHECK_FALSE(machine.life->session.suspended);
  CHECK(machine.unfinished() == 0);
  const auto kept = machine.life->desk->images("node");
  REQUIRE(kept.has_value());
  REQUIRE(kept->size() == 1);
  CHECK(kept->front().sha256 == outcome.old_sha256);
  CHECK(kept->front().version == "1.0");
  CHECK(kept->front().bytes == kOldBytes);
}

TEST_CASE("a kept image is written back by its hash") {
  Machine machine;
  const FlashOutcome first = machine.flash_to_end(Machine::request("a", "2.0"));
  FlashRequest back;
  back.id = "b";
  back.device = "node";
  back.sha256 = first.old_sha256;
  back.version = "1.0";
  const FlashOutcome second = machine.flash_to_end(back);
  CHECK(second.state == FlashState::kDone);
  CHECK(second.new_sha256 == first.old_sha256);
  CHECK(machine.board.running() == "1.0");
  CHECK(machine.board.flash == machine.whole_flash);
  back.id = "c";
  back.sha256 = std::string(64, 'a');
  const auto unknown = machine.flash(back);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == rt::Errc::kNotFound);
}

TEST_CASE("a kept image that is another one on disk is not flashed under the hash that was asked") {
  Machine machine;
  const FlashOutcome first = machine.flash_to_end(Machine::request("a", "2.0"));
  const std::string path = "/state/flash/node/images/" + first.old_sha256 + ".hex";
  const std::string other = sim::fake_hex(sim::fake_firmware("7.0", kOldBytes));
  REQUIRE(machine.life->files.write_durably(path, other, 0640));
  FlashRequest back;
  back.id = "b";
  back.device = "node";
  back.sha256 = first.old_sha256;
  back.version = "1.0";
  const auto refused = machine.flash(back);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == rt::Errc::kCorrupt);
  CHECK(refused.error().message.find(path) != std::string::npos);
  CHECK(machine.outcome_of("b") == "unknown");
  CHECK(machine.board.running() == "2.0");
}

TEST_CASE("only pages that differ are written") {
  Machine machine;
  std::string same = sim::fake_firmware("1.0", kOldBytes);
  CHECK(machine
            .flash_to_end({.id = "a",
                           .device = "node",
                           .image = sim::fake_hex(same),
                           .sha256 = "",
                           .version = "1.0",
                           .asked_by = ""})
            .state == FlashState::kDone);
  CHECK(machine.board.pages_written == 0);
  CHECK(machine.life->tool.count("write") == 0);
  CHECK(machine.life->tool.count("verify") == 1);
  FlashRequest half = Machine::request("b", "1.0");
  same[5 * sim::kFakePageBytes] = static_cast<char>(same[5 * sim::kFakePageBytes] ^ 1);
  half.image = sim::fake_hex(same);
  // Its checksum is wrong now, so it does not run, and is taken back.
  CHECK(machine.flash_to_end(half).state == FlashState::kReverted);
  CHECK(machine.board.pages_written == 2);
  CHECK(machine.board.flash == machine.whole_flash);
}

TEST_CASE("a flash that fails and had nothing to write has nothing to take back") {
  Machine machine;
  FlashRequest same = Machine::request("a", "1.0");
  same.image = sim::fake_hex(sim::fake_firmware("1.0", kOldBytes));
  machine.life->tool.failures["verify"] = {broken_line()};
  FlashOutcome outcome = machine.flash_to_end(same);
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kVerify);
  CHECK(outcome.error == "planned");
  CHECK_FALSE(machine.life->session.suspended);
  same.id = "b";
  same.version = "1.1";
  outcome = machine.flash_to_end(same);
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kConfirm);
  CHECK(outcome.error == "it says that it is 1.0");
  CHECK(machine.board.pages_written == 0);
  CHECK_FALSE(machine.life->desk->is_out_of_service("node"));
  CHECK(machine.unfinished() == 0);
}

TEST_CASE("the wrong part, and an image that is no good, are refused before anything is written") {
  Machine machine;
  machine.board.part = "atmega328p";
  FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kIdentify);
  CHECK(outcome.error == "another part");
  CHECK_FALSE(machine.life->session.suspended);
  const std::size_t suspends = machine.life->session.suspends;

  FlashRequest bad = Machine::request("b", "2.0");
  bad.image[12] = bad.image[12] == '0' ? '1' : '0';
  outcome = machine.flash_to_end(bad);
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kCheck);
  CHECK(outcome.error.starts_with("line 1: the checksum is wrong"));

  bad = Machine::request("c", "2.0");
  bad.image = sim::fake_hex(std::string(sim::kFakeBootBegin + 1, 'x'));
  outcome = machine.flash_to_end(bad);
  CHECK(outcome.step == FlashStep::kCheck);
  CHECK(outcome.error.find("beside its bootloader") != std::string::npos);
  CHECK(machine.life->session.suspends == suspends);
  CHECK(machine.board.flash == machine.whole_flash);
}

TEST_CASE("whatever step fails, the board holds a whole image and is told to") {
  struct Case {
    const char* verb;
    FlashState state;
    FlashStep step;
  };
  const Case cases[] = {{"identify", FlashState::kUnchanged, FlashStep::kIdentify},
                        {"read", FlashState::kUnchanged, FlashStep::kRead},
                        {"write", FlashState::kReverted, FlashStep::kWrite},
                        {"verify", FlashState::kReverted, FlashStep::kVerify}};
  for (const Case& each : cases) {
    INFO(std::string(each.verb));
    Machine machine;
    machine.life->tool.failures[each.verb] = {broken_line()};
    const FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
    CHECK(outcome.state == each.state);
    CHECK(outcome.step == each.step);
    CHECK(outcome.error == "planned");
    CHECK(machine.board.flash == machine.whole_flash);
    CHECK_FALSE(machine.life->session.suspended);
    CHECK(machine.unfinished() == 0);
    const auto kept = machine.life->desk->images("node");
    REQUIRE(kept.has_value());
    CHECK(kept->empty());
  }
}

TEST_CASE("a port that is not let go of, or not there, changes nothing") {
  Machine machine;
  machine.life->session.never_free = true;
  FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kSuspend);
  machine.life->session.never_free = false;
  machine.life->session.suspend_failures = {broken_line()};
  outcome = machine.flash_to_end(Machine::request("b", "2.0"));
  CHECK(outcome.step == FlashStep::kSuspend);
  CHECK(outcome.error == "planned");
  machine.board.plugged = false;
  outcome = machine.flash_to_end(Machine::request("c", "2.0"));
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kIdentify);
  CHECK(outcome.error == "it is not plugged in");
}

TEST_CASE("a read that is no image is no old image to go back to, so nothing is written") {
  Machine machine;
  machine.life->tool.read_instead = ":00000001FE\n";
  const FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kRead);
  CHECK(machine.board.pages_written == 0);
}

TEST_CASE("a part that runs and reads as empty cannot be taken back, so nothing is written") {
  Machine machine;
  machine.life->tool.read_instead = format_intel_hex(FlashImage());
  const FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kUnchanged);
  CHECK(outcome.step == FlashStep::kRead);
  CHECK(outcome.error ==
        "its flash reads as empty though it runs 1.0: it is read-protected, and could not be taken "
        "back");
  CHECK(machine.board.pages_written == 0);
  CHECK_FALSE(machine.life->session.suspended);
}

TEST_CASE("a bridge that is stopped before the write tells the step before it") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("read") == 1; }, kLong);
  machine.kill();
  machine.start();
  machine.world.run_for(1s);
  const FlashOutcome* outcome = machine.life->journal->find_outcome("a");
  REQUIRE(outcome != nullptr);
  CHECK(outcome->state == FlashState::kUnchanged);
  CHECK(outcome->step == FlashStep::kRead);
  CHECK(outcome->error == "the bridge was stopped before anything was written");
}

TEST_CASE("firmware that says nothing, or another version, is taken back") {
  Machine machine;
  machine.board.mute = {"2.0"};
  FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kReverted);
  CHECK(outcome.step == FlashStep::kConfirm);
  CHECK(outcome.error == "nothing was heard");
  CHECK(machine.board.flash == machine.whole_flash);
  FlashRequest other = Machine::request("b", "2.1");
  other.version = "2.2";
  outcome = machine.flash_to_end(other);
  CHECK(outcome.state == FlashState::kReverted);
  CHECK(outcome.error == "it says that it is 2.1");
  CHECK(machine.board.running() == "1.0");
}

TEST_CASE("an old image that is back but says nothing is told as that") {
  Machine machine;
  machine.board.mute = {"1.0", "2.0"};
  const FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kReverted);
  CHECK(outcome.error ==
        "nothing was heard; the old image is back and verified, but: nothing was heard");
  CHECK(machine.board.flash == machine.whole_flash);
}

TEST_CASE("a board that was blank is blank again when its first firmware does not run") {
  Machine machine;
  machine.board = sim::FakeFlashedBoard();
  machine.board.mute = {"2.0"};
  const std::string blank = machine.board.flash;
  CHECK(machine.flash_to_end(Machine::request("a", "2.0")).state == FlashState::kReverted);
  CHECK(machine.board.flash == blank);
  CHECK(machine.flash_to_end(Machine::request("b", "2.1")).state == FlashState::kDone);
  const auto kept = machine.life->desk->images("node");
  REQUIRE(kept.has_value());
  CHECK(kept->empty());
}

TEST_CASE("a board whose old image cannot be written back is tried again until it can") {
  Machine machine;
  machine.life->tool.failures["write"] = {broken_line(), broken_line(), broken_line(),
                                          broken_line(), broken_line()};
  const FlashOutcome outcome = machine.flash_to_end(Machine::request("a", "2.0"));
  CHECK(outcome.state == FlashState::kBroken);
  CHECK(outcome.step == FlashStep::kWrite);
  CHECK(outcome.error == "planned; writing the old image back failed: planned");
  CHECK(machine.outcome_of("a") == "broken");
  CHECK(machine.board.running().empty());
  CHECK(machine.life->desk->is_out_of_service("node"));
  const auto busy = machine.flash(Machine::request("b", "2.0"));
  REQUIRE_FALSE(busy.has_value());
  CHECK(busy.error().code == rt::Errc::kBusy);

  machine.world.run_until([&] { return machine.outcome_of("a") == "reverted"; }, kLong);
  machine.world.run_for(1s);
  CHECK(machine.outcome_of("a") == "reverted");
  CHECK(machine.board.flash == machine.whole_flash);
  CHECK_FALSE(machine.life->desk->is_out_of_service("node"));
  CHECK(machine.told.size() == 1);
  CHECK(machine.flash_to_end(Machine::request("b", "2.0")).state == FlashState::kDone);
}

TEST_CASE("a broken board is written back after any number of restarts, once it is plugged in") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.board.pages_written == 5; }, kLong);
  machine.board.plugged = false;
  for (int restart = 0; restart < 3; ++restart) {
    INFO(restart);
    machine.kill();
    machine.start();
    machine.world.run_for(20s);
    CHECK(machine.outcome_of("a") == "broken");
    CHECK(machine.unfinished() == 1);
  }
  machine.board.plugged = true;
  machine.world.run_for(600s);
  CHECK(machine.outcome_of("a") == "reverted");
  CHECK(machine.board.flash == machine.whole_flash);
  CHECK(machine.unfinished() == 0);
}

TEST_CASE("another board that is plugged in while a flash is not over is not written to") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.board.pages_written == 5; }, kLong);
  machine.kill();
  const sim::FakeFlashedBoard flashed = machine.board;
  machine.board = sim::FakeFlashedBoard();
  machine.board.hold(sim::fake_firmware("7.0", kOldBytes));
  const std::string spare = machine.board.flash;
  machine.start();
  machine.world.run_until([&] { return machine.outcome_of("a") == "broken"; }, kLong);
  machine.world.run_for(1s);
  const FlashOutcome* outcome = machine.life->journal->find_outcome("a");
  REQUIRE(outcome != nullptr);
  CHECK(outcome->state == FlashState::kBroken);
  CHECK(outcome->error.find("it is another board and was not written to") != std::string::npos);
  CHECK_FALSE(machine.life->session.suspended);  // it measures
  machine.world.run_for(600s);
  CHECK(machine.board.flash == spare);
  CHECK(machine.board.pages_written == 0);
  CHECK(machine.outcome_of("a") == "broken");

  machine.board = flashed;
  machine.world.run_for(600s);
  CHECK(machine.outcome_of("a") == "reverted");
  CHECK(machine.board.flash == machine.whole_flash);
  CHECK(machine.unfinished() == 0);
}

TEST_CASE("a flash is called off by removing its record while the bridge is stopped") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.board.pages_written == 5; }, kLong);
  REQUIRE(machine.life->files.remove("/state/flash/node/transaction.json"));
  machine.kill();
  machine.board.hold(sim::fake_firmware("7.0", kOldBytes));
  const std::string spare = machine.board.flash;
  machine.start();
  machine.world.run_for(60s);
  CHECK(machine.board.flash == spare);
  CHECK_FALSE(machine.life->desk->is_out_of_service("node"));
  CHECK(machine.flash_to_end(Machine::request("b", "2.0")).state == FlashState::kDone);
}

TEST_CASE("an old image that does not read back as it was is not told to be back") {
  Machine machine;
  machine.board.mute = {"2.0"};
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("write") == 2; }, kLong);
  // From here on reads find a page that is nobody's.
  std::string flash = machine.whole_flash;
  flash.replace(3 * sim::kFakePageBytes, 4, "oops");
  machine.life->tool.read_instead = sim::fake_hex(flash);
  machine.world.run_until([&] { return !machine.told.empty(); }, kLong);
  REQUIRE(machine.told.size() == 1);
  CHECK(machine.told.front().state == FlashState::kBroken);
  CHECK(machine.told.front().error ==
        "nothing was heard; writing the old image back failed: it was written and reads as "
        "something else");
  machine.life->tool.read_instead.clear();
  machine.world.run_for(60s);
  CHECK(machine.outcome_of("a") == "reverted");
  CHECK(machine.board.flash == machine.whole_flash);
}

TEST_CASE("a board that holds its old image already is not written to again") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("write") == 1; }, kLong);
  machine.kill();
  REQUIRE(machine.board.pages_written == 0);
  machine.start();
  machine.world.run_until([&] { return machine.life->desk->is_idle(); }, kLong);
  CHECK(machine.outcome_of("a") == "reverted");
  CHECK(machine.board.pages_written == 0);
}

TEST_CASE("what a board holds is told from the images of its flash") {
  const auto part = find_avr_part("atmega8");
  REQUIRE(part.has_value());
  constexpr std::size_t kPage = sim::kFakePageBytes;
  const auto image_of = [](const std::string& bytes) {
    FlashImage image;
    REQUIRE(image.put(0, bytes));
    return image;
  };
  const std::string old_bytes = sim::fake_firmware("1.0", kOldBytes);
  const std::string new_bytes = sim::fake_firmware("2.0", kNewBytes);
  const FlashImage old = image_of(old_bytes);
  const FlashImage write = image_of(new_bytes);
  const auto judged = [&](const std::string& bytes, const char* programmer = "arduino") {
    return judge_content(image_of(bytes), old, write, *part, programmer);
  };
  CHECK(judged(old_bytes) == BoardContent::kOld);
  CHECK(judged(old_bytes + std::string(100, '\xff')) == BoardContent::kOld);
  const std::string mixture = new_bytes + old_bytes.substr(kNewBytes);
  CHECK(judged(mixture) == BoardContent::kMixture);
  std::string torn = mixture;
  torn.replace(7 * kPage, kPage, std::string(kPage, '\xff'));
  torn.replace(8 * kPage, kPage / 2, std::string(kPage / 2, 'x'));
  CHECK(judged(torn) == BoardContent::kMixture);
  // A bootloader touches no other pages than those that are written.
  std::string beside = mixture;
  beside[kNewBytes + 1] = static_cast<char>(beside[kNewBytes + 1] ^ 1);
  CHECK(judged(beside) == BoardContent::kForeign);
  CHECK(judged(beside, "usbasp") == BoardContent::kMixture);  // as one that was torn
  CHECK(judged(new_bytes) == BoardContent::kForeign);
  CHECK(judged(new_bytes, "usbasp") == BoardContent::kMixture);  // the chip was erased
  CHECK(judged("", "usbasp") == BoardContent::kMixture);
  const std::string foreign = sim::fake_firmware("7.0", kNewBytes);
  CHECK(judged(foreign + old_bytes.substr(kNewBytes)) == BoardContent::kForeign);
  CHECK(judged(foreign, "usbasp") == BoardContent::kForeign);
}

TEST_CASE("another board is flashed while a broken one waits") {
  Machine machine;
  machine.life->tool.failures["write"] = {broken_line(), broken_line(), broken_line(),
                                          broken_line()};
  CHECK(machine.flash_to_end(Machine::request("a", "2.0")).state == FlashState::kBroken);
  FlashRequest other = Machine::request("b", "2.0");
  other.device = "other";
  CHECK(machine.flash_to_end(other).state == FlashState::kDone);
}

/// What must hold once a bridge that was stopped somewhere has started again and gone quiet.
void check_recovered(Machine& machine) {
  machine.start();
  REQUIRE(machine.life->started);
  machine.world.run_until([&] { return machine.life->desk->is_idle(); }, kLong);
  const std::string outcome = machine.outcome_of("a");
  INFO(outcome);
  CHECK(machine.unfinished() == 0);
  CHECK_FALSE(machine.life->session.suspended);
  CHECK_FALSE(machine.board.boot_written);
  if (outcome == "done") {
    CHECK(machine.board.running() == "2.0");
  } else {
    CHECK(machine.board.flash == machine.whole_flash);
  }
  if (outcome == "reverted") CHECK(machine.life->journal->find_outcome("a")->interrupted);
  CHECK(outcome != "broken");
  // Whoever was told something is told the same when asking again.
  if (!machine.told.empty()) CHECK(outcome == std::string(to_string(machine.told.front().state)));
  CHECK(machine.told.size() <= 1);
  // An id that flashed once does not do so again.
  const std::size_t written = machine.board.pages_written;
  if (outcome != "unknown") {
    CHECK(machine.flash_to_end(Machine::request("a", "2.0")).state != FlashState::kBroken);
    CHECK(machine.board.pages_written == written);
  }
  CHECK(machine.flash_to_end(Machine::request("z", "3.0")).state == FlashState::kDone);
  CHECK(machine.board.running() == "3.0");
}

TEST_CASE("power that is cut at any write to the disk leaves a whole image on the board") {
  std::uint64_t call = 1;
  for (bool over = false; !over; ++call) {
    INFO(call);
    Machine machine;
    bool stopped = false;
    bool dead = false;
    machine.disk.stop_at(call, [&] {
      stopped = true;
      machine.world.schedule(0ns, [&] { dead = true; });
    });
    REQUIRE(machine.flash(Machine::request("a", "2.0")));
    machine.world.run_until([&] { return dead || (!stopped && !machine.told.empty()); }, kLong);
    over = !stopped;
    if (!over) machine.told.clear();  // what was told in the last instant, nobody heard
    machine.lose_power(call);
    check_recovered(machine);
  }
  CHECK(call > 20);
}

TEST_CASE("a bridge that is killed at any moment leaves a whole image on the board") {
  std::size_t reverted = 0;
  bool over = false;
  for (int step = 0; !over; ++step) {
    INFO(step);
    Machine machine;
    REQUIRE(machine.flash(Machine::request("a", "2.0")));
    machine.world.run_for(step * 30ms);
    over = !machine.told.empty();
    machine.kill();
    check_recovered(machine);
    if (machine.outcome_of("a") == "reverted") reverted += 1;
  }
  CHECK(reverted > 10);
}

TEST_CASE("a revert that is interrupted goes on, and still tells what failed first") {
  Machine machine;
  machine.board.mute = {"2.0"};
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("write") == 2; }, kLong);
  machine.world.run_for(50ms);
  CHECK(machine.board.running().empty());
  machine.lose_power(1);
  machine.start();
  machine.world.run_until([&] { return machine.life->desk->is_idle(); }, kLong);
  const FlashOutcome* outcome = machine.life->journal->find_outcome("a");
  REQUIRE(outcome != nullptr);
  CHECK(outcome->state == FlashState::kReverted);
  CHECK(outcome->step == FlashStep::kConfirm);
  CHECK(outcome->error == "nothing was heard");
  CHECK(outcome->interrupted);
  CHECK(machine.board.flash == machine.whole_flash);
}

TEST_CASE("a disk that fails at any call leaves a whole image on the board") {
  bool over = false;
  std::uint64_t call = 1;
  for (; !over; ++call) {
    INFO(call);
    Machine machine;
    machine.disk.fail({.answer = sim::DiskAnswer::kFull, .at = call});
    if (!machine.flash(Machine::request("a", "2.0"))) FAIL("not begun");
    machine.world.run_until([&] { return !machine.told.empty(); }, kLong);
    REQUIRE(machine.told.size() == 1);
    over = !machine.disk.failure_fired();
    machine.disk.heal();
    if (machine.told.front().state == FlashState::kDone) {
      CHECK(machine.board.running() == "2.0");
    } else {
      CHECK(machine.board.flash == machine.whole_flash);
    }
    machine.kill();
    machine.start();
    machine.world.run_until([&] { return machine.life->desk->is_idle(); }, kLong);
    CHECK(machine.board.running() ==
          (machine.told.front().state == FlashState::kDone ? "2.0" : "1.0"));
    CHECK(machine.unfinished() == 0);
  }
  CHECK(call > 20);
}

TEST_CASE("a board that runs its new image is committed when the disk takes it") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("verify") == 1; }, kLong);
  machine.disk.fail({.answer = sim::DiskAnswer::kFull, .for_ever = true});
  machine.world.run_for(60s);
  CHECK(machine.told.empty());
  const std::string waits = "node runs 2.0; its outcome cannot be written: ";
  CHECK(machine.life->log.count_containing("flash a: " + waits) == 1);
  const auto busy = machine.flash(Machine::request("b", "2.0"));
  REQUIRE_FALSE(busy.has_value());
  CHECK(busy.error().code == rt::Errc::kBusy);
  CHECK(busy.error().message.starts_with(waits));
  machine.disk.heal();
  machine.world.run_for(10s);
  REQUIRE(machine.told.size() == 1);
  CHECK(machine.told.front().state == FlashState::kDone);
}

TEST_CASE("an old image that cannot be read any more is not kept, and holds no commit up") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("verify") == 1; }, kLong);
  REQUIRE(machine.life->files.remove("/state/flash/node/old.hex"));
  machine.world.run_for(10s);
  REQUIRE(machine.told.size() == 1);
  CHECK(machine.told.front().state == FlashState::kDone);
  const auto kept = machine.life->desk->images("node");
  REQUIRE(kept.has_value());
  CHECK(kept->empty());
}

TEST_CASE("a damaged list of kept images holds no commit up") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.life->tool.count("verify") == 1; }, kLong);
  REQUIRE(machine.life->files.write_durably("/state/flash/node/images/index.json", "[", 0640));
  machine.world.run_for(10s);
  REQUIRE(machine.told.size() == 1);
  CHECK(machine.told.front().state == FlashState::kDone);
  CHECK(machine.unfinished() == 0);
  const auto kept = machine.life->desk->images("node");
  REQUIRE_FALSE(kept.has_value());
  CHECK(kept.error().code == rt::Errc::kCorrupt);
  CHECK(machine.flash_to_end(Machine::request("b", "3.0")).state == FlashState::kDone);
}

TEST_CASE("a flash does not begin before the names of its folders are on disk") {
  sim::FakeFiles files;
  // Directories are names there that can be synced.
  for (const std::string each : {"/state", "/state/flash", "/state/flash/node"})
    files.put(each, "");
  auto journal = FlashJournal::open(files, "/state/flash");
  REQUIRE(journal.has_value());
  FlashRecord record;
  record.id = "a";
  record.device = "node";
  FlashImage image;
  REQUIRE(image.put(0, "new"));
  for (const std::string folder : {"/state/flash", "/state/flash/node"}) {
    INFO(folder);
    files.errors = {{folder, rt::Error{rt::Errc::kIo, "planned"}}};
    const auto begun = journal->begin(record, image);
    REQUIRE_FALSE(begun.has_value());
    CHECK(begun.error().code == rt::Errc::kIo);
    CHECK(files.writes == 0);
  }
  files.errors.clear();
  CHECK(journal->begin(record, image).has_value());
}

TEST_CASE("whoever waits for a flash waits for the time of both firmwares and the transfers") {
  FlashRequest request = Machine::request("a", "2.0");
  CHECK(request.longest() == 120s + 1800s);
  request.timeout = FlashDesk::kTimeoutMost;
  CHECK(request.longest() == 7200s + 1800s);
}

TEST_CASE("the same id flashes once, and tells whoever asks again") {
  Machine machine;
  CHECK(machine.flash_to_end(Machine::request("a", "2.0")).state == FlashState::kDone);
  const auto calls = machine.life->tool.calls;
  FlashRequest again = Machine::request("a", "3.0");
  CHECK(machine.flash_to_end(again).version == "2.0");
  machine.kill();
  machine.start();
  CHECK(machine.flash_to_end(again).version == "2.0");
  CHECK(machine.life->tool.calls.empty());
  CHECK(calls.size() == 4);
  const auto unknown = machine.life->desk->follow("b", machine.follower);
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == rt::Errc::kNotFound);
}

TEST_CASE("one board is flashed at a time, and the other's id stays free") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  FlashRequest other = Machine::request("b", "2.0");
  other.device = "other";
  const auto busy = machine.flash(other);
  REQUIRE_FALSE(busy.has_value());
  CHECK(busy.error().code == rt::Errc::kBusy);
  machine.world.run_until([&] { return !machine.told.empty(); }, kLong);
  CHECK(machine.outcome_of("b") == "unknown");
  CHECK(machine.flash_to_end(other).state == FlashState::kDone);
}

TEST_CASE("a follower who leaves stops nothing, and one who comes late is told the rest") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_for(100ms);
  auto late = std::make_shared<FlashFollower>();
  std::size_t outcomes = 0;
  late->on_outcome = [&](const FlashOutcome& outcome) {
    CHECK(outcome.state == FlashState::kDone);
    outcomes += 1;
  };
  REQUIRE(machine.life->desk->follow("a", late));
  machine.follower.reset();
  machine.world.run_for(10s);
  CHECK(machine.told.empty());
  CHECK(outcomes == 1);
  CHECK(machine.board.running() == "2.0");
}

TEST_CASE("requests that are no good begin nothing") {
  Machine machine;
  const auto code = [&](const FlashRequest& request) {
    const auto begun = machine.flash(request);
    return begun ? std::string("begun") : std::string(rt::to_string(begun.error().code));
  };
  const std::string invalid(rt::to_string(rt::Errc::kInvalid));
  FlashRequest request = Machine::request("", "2.0");
  CHECK(code(request) == invalid);
  request = Machine::request(std::string(129, 'a'), "2.0");
  CHECK(code(request) == invalid);
  request = Machine::request("a", "2.0");
  request.version.clear();
  CHECK(code(request) == invalid);
  request = Machine::request("a", "2.0");
  request.sha256 = std::string(64, 'a');
  CHECK(code(request) == invalid);
  request.image.clear();
  request.sha256 = "../../outcomes";
  CHECK(code(request) == invalid);
  request = Machine::request("a", "2.0");
  request.timeout = 0s;
  CHECK(code(request) == invalid);
  for (const std::string version : {"2.0\n", "2.\x7f", "\x1b[2J"}) {
    INFO(version);
    request = Machine::request("a", version);
    CHECK(code(request) == invalid);
  }
  request = Machine::request("a", "2.0");
  for (const std::string& by :
       {std::string(129, 'a'), std::string("anna\nflash b: done"), std::string(1, '\0')}) {
    INFO(by);
    request.asked_by = by;
    CHECK(code(request) == invalid);
  }
  request = Machine::request("a", "2.0");
  request.device = "nobody";
  CHECK(code(request) == std::string(rt::to_string(rt::Errc::kNotFound)));
  CHECK(machine.life->desk->is_idle());
  CHECK(machine.outcome_of("a") == "unknown");
}

TEST_CASE("the last outcomes and the last images are kept, older ones go") {
  Machine machine;
  FlashRequest bad = Machine::request("", "2.0");
  bad.image = "no hex";
  for (std::size_t i = 0; i <= FlashJournal::kOutcomesMax; ++i) {
    bad.id = "bad-" + std::to_string(i);
    machine.flash_to_end(bad);
  }
  CHECK(machine.outcome_of("bad-0") == "unknown");
  CHECK(machine.outcome_of("bad-1") == "unchanged");
  std::string first;
  for (std::size_t i = 0; i <= FlashJournal::kImagesMax; ++i) {
    const FlashOutcome outcome = machine.flash_to_end(
        Machine::request("good-" + std::to_string(i), "2." + std::to_string(i)));
    REQUIRE(outcome.state == FlashState::kDone);
    if (i == 0) first = outcome.old_sha256;
  }
  const auto kept = machine.life->desk->images("node");
  REQUIRE(kept.has_value());
  CHECK(kept->size() == FlashJournal::kImagesMax);
  CHECK(kept->back().version == "2.7");
  CHECK_FALSE(machine.life->journal->load_image("node", first).has_value());
  const auto files = machine.life->files.list("/state/flash/node/images");
  REQUIRE(files.has_value());
  CHECK(files->size() == FlashJournal::kImagesMax + 1);
}

TEST_CASE("an image that is kept again is the newest one, and stays when older ones go") {
  Machine machine;
  FlashJournal& journal = *machine.life->journal;
  const auto keep = [&](const std::string& version) {
    FlashImage image;
    REQUIRE(image.put(0, version));
    REQUIRE(journal.keep_image("node", image, version));
    return image.sha256().hex();
  };
  const std::string again = keep("again");
  const std::string oldest = keep("oldest");
  for (std::size_t i = 2; i < FlashJournal::kImagesMax; ++i) keep(std::to_string(i));
  CHECK(keep("again") == again);
  CHECK(journal.load_image("node", oldest).has_value());
  keep("last");
  const auto kept = journal.load_images("node");
  REQUIRE(kept.has_value());
  REQUIRE(kept->size() == FlashJournal::kImagesMax);
  CHECK(kept->at(FlashJournal::kImagesMax - 2).sha256 == again);
  CHECK(kept->back().version == "last");
  CHECK(journal.load_image("node", again).has_value());
  CHECK_FALSE(journal.load_image("node", oldest).has_value());
}

TEST_CASE("a journal that is damaged is said, and no board of it is flashed on top of it") {
  Machine machine;
  CHECK(machine.flash_to_end(Machine::request("a", "2.0")).state == FlashState::kDone);
  REQUIRE(machine.life->files.write_durably("/state/flash/node/transaction.json", "{", 0640));
  machine.kill();
  machine.start();
  CHECK(machine.life->started);
  CHECK(machine.life->log.count_containing("/state/flash/node/transaction.json") == 1);
  CHECK(machine.life->log.count_containing("old.hex") == 1);
  CHECK(machine.life->desk->is_out_of_service("node"));
  const auto refused = machine.flash(Machine::request("b", "3.0"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == rt::Errc::kCorrupt);
  FlashRequest other = Machine::request("c", "3.0");
  other.device = "other";
  CHECK(machine.flash_to_end(other).state == FlashState::kDone);
  REQUIRE(machine.life->files.remove("/state/flash/node/transaction.json"));
  machine.kill();
  machine.start();
  CHECK(machine.flash_to_end(Machine::request("b", "2.0")).state == FlashState::kDone);
  REQUIRE(machine.life->files.write_durably("/state/flash/outcomes.json", "[", 0640));
  const auto opened = FlashJournal::open(machine.life->files, "/state/flash");
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == rt::Errc::kCorrupt);
}

TEST_CASE("a flash of a board that is not configured any more waits until it is") {
  Machine machine;
  REQUIRE(machine.flash(Machine::request("a", "2.0")));
  machine.world.run_until([&] { return machine.board.pages_written == 5; }, kLong);
  machine.kill();
  machine.start();
  // The same journal, read by a desk without boards.
  sim::SimLog log(machine.world, "bare");
  machine.life->desk.reset();
  FlashDesk bare({machine.life->loop, log, machine.life->tool, *machine.life->journal, {}});
  REQUIRE(bare.start());
  CHECK(bare.is_idle());
  CHECK(log.count_containing("not configured any more") == 1);
  CHECK(machine.unfinished() == 1);
}

TEST_CASE("outcomes and progress are read as they were written") {
  FlashOutcome outcome{
      "id", "node", FlashState::kBroken, FlashStep::kVerify, "a \"b\"\n", true, "00", "11", "2.0"};
  const auto again = decode_flash_outcome(encode(outcome));
  REQUIRE(again.has_value());
  CHECK(*again == outcome);
  const auto progress = decode_flash_progress(encode(FlashProgress{FlashStep::kWrite, 40}));
  REQUIRE(progress.has_value());
  CHECK(progress->step == FlashStep::kWrite);
  CHECK(progress->percent == 40);
  CHECK_FALSE(decode_flash_outcome("{\"outcome\":\"great\",\"step\":\"write\"}").has_value());
  CHECK_FALSE(decode_flash_progress("{\"step\":\"write\",\"percent\":101}").has_value());
  CHECK_FALSE(decode_flash_progress("{\"step\":\"dance\",\"percent\":1}").has_value());
}

}  // namespace
}  // namespace fieldpost::test
