// What avrdude 7.1 is asked, and what its answers mean: texts as it writes them.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firmware-bridge/flash/avrdude.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_spawner.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace bridge;                // NOLINT: what is tested

const std::string kHead =
    "\navrdude: AVR device initialized and ready to accept instructions\n"
    "avrdude: device signature = 0x1e950f (probably m328p)\n";
const std::string kBar = "##################################################";
const std::string kEnd = "\navrdude done.  Thank you.\n\n";

struct Bench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimSpawner spawner{loop};
  std::unique_ptr<Avrdude> avrdude = std::make_unique<Avrdude>(loop, spawner);
  FlashTarget target{"/dev/ttyUSB0", "atmega328p", "arduino", 57600};
  std::optional<rt::Status> done;
  std::vector<unsigned> percents;

  void install(const std::string& said, int code) {
    spawner.install("avrdude", {.steps = {{1ms, "", said}}, .exit = {.code = code, .signal = 0}});
  }
  FlashTool::OnDone on_done() {
    return [this](rt::Status status) {
      CHECK_FALSE(done.has_value());
      done = std::move(status);
    };
  }
  FlashTool::OnProgress on_progress() {
    return [this](unsigned percent) { percents.push_back(percent); };
  }
  void verify() { avrdude->verify(target, "/f.hex", on_progress(), on_done()); }
  [[nodiscard]] rt::Error error() const {
    REQUIRE(done.has_value());
    REQUIRE_FALSE(done->has_value());
    return done->error();
  }
  [[nodiscard]] std::vector<std::string> argv() const {
    REQUIRE_FALSE(spawner.spawned().empty());
    return spawner.spawned().back().argv;
  }
};

TEST_CASE("each step is one run of avrdude, and a bootloader is not asked to erase the chip") {
  Bench bench;
  bench.install("", 0);
  using Words = std::vector<std::string>;
  const Words begin = {"avrdude", "-p",           "atmega328p", "-c",   "arduino",
                       "-P",      "/dev/ttyUSB0", "-b",         "57600"};
  const auto with = [&](const Words& more) {
    Words all = begin;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto run = [&](const auto& start) {
    bench.done.reset();
    start();
    bench.world.run_for(1s);
    CHECK((bench.done && bench.done->has_value()));
    return bench.argv();
  };
  Avrdude& tool = *bench.avrdude;
  CHECK(run([&] { tool.identify(bench.target, bench.on_done()); }) == with({"-qq"}));
  CHECK(run([&] { tool.read(bench.target, "/d/r.hex", nullptr, bench.on_done()); }) ==
        with({"-D", "-A", "-U", "flash:r:/d/r.hex:i"}));
  CHECK(run([&] { tool.write(bench.target, "/d/w.hex", nullptr, bench.on_done()); }) ==
        with({"-D", "-A", "-V", "-U", "flash:w:/d/w.hex:i"}));
  CHECK(run([&] { tool.verify(bench.target, "/d/n.hex", nullptr, bench.on_done()); }) ==
        with({"-D", "-A", "-U", "flash:v:/d/n.hex:i"}));
  bench.target.programmer = "usbasp";
  CHECK(run([&] { tool.write(bench.target, "/d/w.hex", nullptr, bench.on_done()); }) ==
        Words{"avrdude", "-p", "atmega328p", "-c", "usbasp", "-P", "/dev/ttyUSB0", "-b", "57600",
              "-V", "-U", "flash:w:/d/w.hex:i"});
}

TEST_CASE("progress is what the bar shows after the part has said what it is") {
  Bench bench;
  bench.spawner.install(
      "avrdude",
      {.steps = {{1ms, "", "Reading | " + kBar + " | 100% 0.00s\n" + kHead + "\nWriting | #####"},
                 {1ms, "", "####################"},
                 {1ms, "", std::string(25, '#') + " | 100% 0.50s\n" + kEnd}},
       .exit = {}});
  bench.avrdude->write(bench.target, "/f.hex", bench.on_progress(), bench.on_done());
  bench.world.run_for(1s);
  REQUIRE(bench.done.has_value());
  CHECK(bench.done->has_value());
  CHECK(bench.percents == std::vector<unsigned>{10, 50, 100});
}

TEST_CASE("a bar that is drawn over itself, as on a terminal, counts from its begin") {
  AvrdudeBars bars;
  CHECK_FALSE(bars.take("Reading | ##").has_value());
  CHECK_FALSE(bars.take("\n" + kHead).has_value());
  CHECK(bars.take("\rWriting | #####                     | 10% 0.02s") == 10U);
  CHECK(bars.take("\rWriting | ##########                | 20% 0.04s") == 20U);
  CHECK_FALSE(bars.take("\navrdude: # | 1 page\n").has_value());
  CHECK(bars.take("Reading | #") == 2U);
  CHECK(bars.take(kBar + kBar) == 100U);
}

TEST_CASE("another part than expected is told as that") {
  Bench bench;
  bench.install(
      "avrdude error: expected signature for ATmega328P is 1E 95 0F\n"
      "        double check chip or use -F to override this check\n",
      1);
  bench.avrdude->identify(bench.target, bench.on_done());
  bench.world.run_for(1s);
  CHECK(bench.error().code == rt::Errc::kInvalid);
  CHECK(bench.error().message ==
        "asking /dev/ttyUSB0 what it is: avrdude: avrdude error: expected signature for ATmega328P "
        "is 1E 95 0F; double check chip or use -F to override this check");
}

TEST_CASE("what avrdude says tells the kinds of failure apart") {
  const auto code = [](const std::string& said) {
    return avrdude_error("x", {.code = 1, .signal = 0}, said).code;
  };
  CHECK(code("avrdude error: Yikes!  Invalid device signature.\n"
             "avrdude error: expected signature for ATmega328P is 1E 95 0F\n") ==
        rt::Errc::kUnavailable);
  CHECK(code("avrdude warning: attempt 10 of 10: not in sync: resp=0x00\n") ==
        rt::Errc::kUnavailable);
  CHECK(code("avrdude error: programmer is not responding\n") == rt::Errc::kUnavailable);
  CHECK(code("avrdude OS error: cannot open port /dev/nothere: No such file or directory\n") ==
        rt::Errc::kUnavailable);
  CHECK(code("avrdude warning: verification mismatch\n"
             "        device 0x01 != input 0x07 at addr 0x0001 (error)\n"
             "avrdude error: verification mismatch\n") == rt::Errc::kCorrupt);
  CHECK(code("avrdude error: something else\n") == rt::Errc::kIo);
  const rt::Error missing =
      avrdude_error("x", {.code = 127, .signal = 0},
                    "setpriv: failed to execute avrdude: No such file or directory\n");
  CHECK(missing.code == rt::Errc::kNotFound);
  CHECK(missing.message ==
        "x: avrdude is not installed (setpriv: failed to execute avrdude: No such file or "
        "directory)");
}

TEST_CASE("the last lines that say something are the error") {
  const auto message = [](const std::string& said, rt::ExitStatus status) {
    return avrdude_error("verifying", status, said).message;
  };
  CHECK(message(kHead + "\nReading | " + kBar +
                    " | 100% 0.01s\n\n"
                    "avrdude warning: verification mismatch\n"
                    "        device 0x01 != input 0x07 at addr 0x0001 (error)\n"
                    "avrdude error: verification mismatch\n"
                    "avrdude OS error: ioctl(\"TIOCMGET\"): Inappropriate ioctl for device\n" +
                    kEnd,
                {.code = 1, .signal = 0}) ==
        "verifying: avrdude: avrdude warning: verification mismatch; device 0x01 != input 0x07 at "
        "addr 0x0001 (error); avrdude error: verification mismatch");
  CHECK(message("", {.code = 3, .signal = 0}) == "verifying: avrdude: exit code 3");
  CHECK(message(" \r\n\n", {.code = 0, .signal = 9}) == "verifying: avrdude: signal 9");
  const std::string longest = message(std::string(100'000, 'x'), {.code = 1, .signal = 0});
  CHECK(longest.size() < 300);
}

TEST_CASE("a run that a signal ended is a failure") {
  Bench bench;
  bench.spawner.install("avrdude", {.steps = {}, .exit = {.code = 0, .signal = 9}});
  bench.verify();
  bench.world.run_for(1s);
  CHECK(bench.error().code == rt::Errc::kIo);
  CHECK(bench.error().message == "verifying the flash at /dev/ttyUSB0: avrdude: signal 9");
}

TEST_CASE("only the end of what avrdude says is held") {
  Bench bench;
  bench.install(std::string(10 * Avrdude::kSaidBytesMax, 'x') + "\nthe end\n", 1);
  bench.verify();
  bench.world.run_for(1s);
  CHECK(bench.error().message.ends_with("; the end"));
  CHECK(bench.error().message.size() < 400);
}

TEST_CASE("a step that does not end is ended") {
  Bench bench;
  bench.spawner.install(
      "avrdude",
      {.steps = {{1ms, "", "stuck\n"}}, .exit = {}, .hangs = true, .ignores_sigterm = true});
  bench.avrdude->identify(bench.target, bench.on_done());
  bench.world.run_for(Avrdude::kIdentifyMost - 1s);
  CHECK_FALSE(bench.done.has_value());
  bench.world.run_for(2s);
  CHECK(bench.error().code == rt::Errc::kUnavailable);
  CHECK(bench.error().message ==
        "asking /dev/ttyUSB0 what it is: avrdude did not end within 30 s: stuck");
  bench.done.reset();
  bench.verify();
  bench.world.run_for(Avrdude::kStallMost - 1s);
  CHECK_FALSE(bench.done.has_value());
  bench.world.run_for(2s);
  CHECK(bench.error().message ==
        "verifying the flash at /dev/ttyUSB0: avrdude came no further for 20 s: stuck");
}

TEST_CASE("a tool that goes on talking when its time is over is ended once") {
  Bench bench;
  const std::vector<sim::SimProgram::Step> steps(100, {10s, "", "on and on\n"});
  bench.spawner.install("avrdude", {.steps = steps, .exit = {}, .hangs = true});
  bench.verify();
  // It says something in the very moment of the limit, too, behind it.
  bench.world.run_for(Avrdude::kTransferMost);
  CHECK(bench.error().message ==
        "verifying the flash at /dev/ttyUSB0: avrdude did not end within 300 s: on and on; on and "
        "on; on and on");
  bench.world.run_for(Avrdude::kStallMost + 1s);
  bench.done.reset();
  bench.install("", 0);
  bench.verify();
  bench.world.run_for(1s);
  REQUIRE(bench.done.has_value());
  CHECK(bench.done->has_value());
}

TEST_CASE("without avrdude the step fails, from the loop, and says what could not be started") {
  Bench bench;
  bench.verify();
  CHECK_FALSE(bench.done.has_value());
  bench.world.run_for(1s);
  CHECK(bench.error().code == rt::Errc::kNotFound);
  CHECK(bench.error().message ==
        "verifying the flash at /dev/ttyUSB0: starting avrdude: no such program");
}

TEST_CASE("the next step may begin where the one before ends") {
  Bench bench;
  bench.install("", 0);
  std::size_t runs = 0;
  bench.avrdude->identify(bench.target, [&](const rt::Status& first) {
    CHECK(first.has_value());
    runs += 1;
    bench.avrdude->read(bench.target, "/f.hex", nullptr, [&](const rt::Status&) { runs += 1; });
  });
  bench.world.run_for(1s);
  CHECK(runs == 2);
}

TEST_CASE("a tool that is dropped says nothing more") {
  Bench bench;
  bench.install(kHead, 0);
  bench.verify();
  bench.avrdude.reset();
  bench.world.run_for(Avrdude::kTransferMost + 1s);
  CHECK_FALSE(bench.done.has_value());
}

}  // namespace
}  // namespace fieldpost::test
