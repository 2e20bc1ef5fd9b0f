#include "agent/board_flash.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "proto/rt/base64.h"
#include "proto/wire/flash_order.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_streams.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::string kOldImage(64, '0');
const std::string kNewImage(64, 'a');
const std::string kUnknown = R"({"error":"there is no device nano","code":"not_found"})";
const std::string kAdvice =
    "; check that fieldpost-bridge runs on that node, and that its socket is among [bridge] "
    "sockets "
    "of agent.toml";
const std::string kProgress = R"({"step":"write","percent":40})";

std::string outcome(const std::string& state, const std::string& step, const std::string& error,
                    const std::string& old_image = "") {
  return json{{"outcome", state},        {"id", "x"},
              {"device", "nano"},        {"step", step},
              {"error", error},          {"interrupted", false},
              {"old_sha256", old_image}, {"new_sha256", ""},
              {"version", "2.1.0"}}
      .dump();
}

const std::string kDone = outcome("done", "commit", "");

/// A bridge at the other end of a socket, of which a test decides everything.
class Bridge {
 public:
  Bridge(sim::SimStreams& streams, std::string path) : streams_(streams), path_(std::move(path)) {
    start();
  }
  void start() {
    auto listener = streams_.listen_unix(
        path_, [this](std::unique_ptr<rt::Stream> stream) { accept(std::move(stream)); });
    REQUIRE(listener.has_value());
    listener_ = *std::move(listener);
  }
  void hang_up() { peers_.clear(); }
  /// Its process ends.
  void stop() {
    listener_.reset();
    hang_up();
  }
  /// To the client that came last.
  void say(const std::string& line) { peers_.back()->stream->send(line + "\n"); }
  void say_bytes(const std::string& bytes) { peers_.back()->stream->send(bytes); }
  [[nodiscard]] std::size_t clients() const { return peers_.size(); }

  std::vector<json> asked;
  std::vector<std::string> answers;  ///< to each question, at once; empty: it thinks
  bool hangs_up_behind = false;      ///< what it answers at once

 private:
  struct Peer {
    std::unique_ptr<rt::Stream> stream;
    std::string text;
  };

  void accept(std::unique_ptr<rt::Stream> stream) {
    peers_.push_back(std::make_unique<Peer>());
    Peer* peer = peers_.back().get();
    peer->stream = std::move(stream);
    peer->stream->start({.on_data = [this, peer](const std::string& bytes) { take(*peer, bytes); },
                         .on_closed = [](const std::string&) {}});
  }

  void take(Peer& peer, const std::string& bytes) {
    peer.text += bytes;
    const std::size_t end = peer.text.find('\n');
    if (end == std::string::npos) return;
    asked.push_back(json::parse(peer.text.substr(0, end)));
    peer.text.erase(0, end + 1);
    for (const std::string& line : answers) peer.stream->send(line + "\n");
    if (hangs_up_behind) peer.stream->close_after_send();
  }

  sim::SimStreams& streams_;
  std::string path_;
  std::unique_ptr<rt::Listener> listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

/// A node with bridges at /a and /b, as far as they are started.
struct Node {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimStreams streams{loop};
  sim::SimLog log{world, "agent"};
  std::unique_ptr<BoardFlash> flash;
  std::vector<std::pair<std::uint64_t, Inbox::Answer>> answers;  ///< by command

  explicit Node(std::vector<std::string> sockets = {"/a"}) {
    flash = std::make_unique<BoardFlash>(loop, streams, log, std::move(sockets));
  }
  static wire::Command command(std::uint64_t id, const wire::FlashOrder& order) {
    wire::Command command;
    command.id = id;
    command.verb = wire::kFlashVerb;
    command.arguments = wire::encode(order);
    return command;
  }
  [[nodiscard]] auto answered(std::uint64_t id) {
    return [this, id](Inbox::Answer answer) { answers.emplace_back(id, std::move(answer)); };
  }
  void act(std::uint64_t id, const wire::FlashOrder& order = kOrder) {
    const wire::Command wanted = command(id, order);
    flash->verb().act(wanted, answered(id));
  }
  void resume(std::uint64_t id, const wire::FlashOrder& order = kOrder) {
    const wire::Command wanted = command(id, order);
    flash->verb().resume(wanted, answered(id));
  }
  /// The one answer, "yes: …" or "no: …".
  [[nodiscard]] std::string said() const {
    if (answers.size() != 1) return fmt::format("{} answers", answers.size());
    return (answers[0].second.done ? "yes: " : "no: ") + answers[0].second.detail;
  }

  static const wire::FlashOrder kOrder;
};

const wire::FlashOrder Node::kOrder{"nano", ":00000001FF\n", "", "2.1.0", 60};

TEST_CASE("an order goes to the bridge, and what came of it is the answer") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  node.world.run_for(1s);
  REQUIRE(bridge.asked.size() == 1);
  const json& asked = bridge.asked[0];
  CHECK(asked.at("verb") == "flash");
  CHECK(asked.at("id").get<std::string>().starts_with("command-7-"));
  CHECK(asked.at("device") == "nano");
  CHECK(asked.at("version") == "2.1.0");
  CHECK(asked.at("timeout_s") == 60);
  CHECK(asked.at("by") == "command 7");
  CHECK(rt::from_base64(asked.at("image").get<std::string>()) == ":00000001FF\n");
  CHECK_FALSE(asked.contains("sha256"));
  bridge.say(kProgress);
  node.world.run_for(60s);
  CHECK(node.answers.empty());
  bridge.say(outcome("done", "commit", "", kOldImage));
  node.world.run_for(1s);
  CHECK(node.said() == "yes: firmware 2.1.0 runs; the image before it: " + kOldImage);
  node.world.run_for(2h);
  CHECK(node.answers.size() == 1);
  CHECK(bridge.asked.size() == 1);
}

TEST_CASE("an image that the bridge keeps is ordered by its name") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {kDone};
  node.act(7, {"nano", "", kNewImage, "2.1.0", 60});
  node.world.run_for(1s);
  REQUIRE(bridge.asked.size() == 1);
  CHECK(bridge.asked[0].at("sha256") == kNewImage);
  CHECK_FALSE(bridge.asked[0].contains("image"));
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
}

TEST_CASE("what the board holds after a failure is told with why") {
  const auto said = [](const std::string& line) {
    Node node;
    Bridge bridge(node.streams, "/a");
    bridge.answers = {kProgress, line};
    node.act(7);
    node.world.run_for(1s);
    return node.said();
  };
  CHECK(said(outcome("unchanged", "identify", "the board does not answer")) ==
        "no: the board does not answer (identify): nothing was written");
  CHECK(said(outcome("reverted", "confirm", "it says nothing", kOldImage)) ==
        "no: it says nothing (confirm): the board holds the old firmware again; the image before "
        "it: " +
            kOldImage);
  CHECK(said(outcome("broken", "revert", "unplugged")) ==
        "no: unplugged (revert): the board holds neither firmware; the bridge goes on writing the "
        "old one");
}

TEST_CASE("a bridge that does not have the board leaves the order to the next one") {
  Node node({"/a", "/b"});
  Bridge first(node.streams, "/a"), second(node.streams, "/b");
  first.answers = {kUnknown};
  second.answers = {kProgress, kDone};
  node.act(7);
  node.world.run_for(1s);
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
  REQUIRE(first.asked.size() == 1);
  CHECK(second.asked == first.asked);
  CHECK(second.asked.size() == 1);
}

TEST_CASE("when every bridge refuses, the answer comes at once and says why each did") {
  Node node({"/a", "/b"});
  Bridge first(node.streams, "/a"), second(node.streams, "/b");
  first.answers = {kUnknown};
  second.answers = {R"({"error":"version: expected what the board will say","code":"invalid"})"};
  node.act(7);
  node.world.run_for(1s);
  CHECK(node.said() ==
        "no: no bridge of this node flashed nano: /a: there is no device nano; /b: version: "
        "expected what the board will say");
}

TEST_CASE("a node without a bridge says so at once") {
  Node node((std::vector<std::string>()));
  node.act(7);
  node.world.run_for(1s);
  CHECK(node.said() == "no: no bridge of this node flashed nano: none is configured");
}

TEST_CASE("a bridge that hangs up in the middle is asked again by the same id") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {kProgress};
  node.act(7);
  node.world.run_for(1s);
  bridge.stop();
  SUBCASE("its socket goes with it") {}
  SUBCASE("its socket is left behind") {
    node.streams.leave_behind("/a");
  }
  node.world.run_for(5min);
  CHECK(node.answers.empty());
  bridge.start();
  bridge.answers = {kProgress, kDone};
  node.world.run_for(BoardFlash::kRetryEvery + rt::Seconds(1));
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
  REQUIRE(bridge.asked.size() == 2);
  CHECK(bridge.asked[0] == bridge.asked[1]);
  node.world.run_for(2h);
  CHECK(node.answers.size() == 1);
}

TEST_CASE("a bridge that hangs up before it said anything may have begun, and is asked again") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  node.world.run_for(1s);
  bridge.stop();
  node.world.run_for(5min);
  CHECK(node.answers.empty());
  bridge.start();
  bridge.answers = {kDone};
  node.world.run_for(5s);
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
  REQUIRE(bridge.asked.size() == 2);
  CHECK(bridge.asked[0] == bridge.asked[1]);
}

TEST_CASE("an answer stands whatever its bridge does behind it") {
  Node node;
  Bridge bridge(node.streams, "/a");
  SUBCASE("it hangs up") {
    bridge.answers = {kDone};
    bridge.hangs_up_behind = true;
  }
  SUBCASE("it says more") {
    bridge.answers = {kDone, kUnknown, "garbage"};
  }
  SUBCASE("it says more a moment later, and hangs up") {
    // More than a socket gives at once.
    bridge.answers = {kDone, std::string(400'000, 'x')};
    bridge.hangs_up_behind = true;
  }
  node.act(7);
  node.world.run_for(2h);
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
  CHECK(bridge.asked.size() == 1);
}

TEST_CASE("a refusal stands whatever its bridge does behind it") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {kUnknown};
  bridge.hangs_up_behind = true;
  node.act(7);
  node.world.run_for(1s);
  CHECK(node.said() == "no: no bridge of this node flashed nano: /a: there is no device nano");
  CHECK(bridge.asked.size() == 1);
}

TEST_CASE("a bridge that is starting is waited for") {
  Node node;
  node.act(7);
  node.world.run_for(BoardFlash::kBridgeAbsentMax - rt::Seconds(5));
  CHECK(node.answers.empty());
  Bridge bridge(node.streams, "/a");
  bridge.answers = {kDone};
  node.world.run_for(4s);
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
}

TEST_CASE("a bridge that does not come is waited for so long") {
  Node node;
  node.act(7);
  node.world.run_for(BoardFlash::kBridgeAbsentMax - rt::Seconds(1));
  CHECK(node.answers.empty());
  node.world.run_for(BoardFlash::kRetryEvery + rt::Seconds(2));
  CHECK(node.said() ==
        "no: no bridge of this node flashed nano: /a: connecting to /a: no such file" + kAdvice);
  Bridge late(node.streams, "/a");
  node.world.run_for(2h);
  CHECK(late.asked.empty());
  CHECK(node.answers.size() == 1);
}

TEST_CASE("what a bridge that stays away had begun is not known") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  node.world.run_for(1s);
  bridge.say(kProgress);
  node.world.run_for(1s);
  bridge.stop();
  node.world.run_for(BoardFlash::kSilentMax);
  CHECK(node.answers.empty());
  node.world.run_for(65s);
  CHECK(node.said() ==
        "no: it is not known what came of flashing nano: /a: connecting to /a: no such file" +
            kAdvice);
}

TEST_CASE("a bridge is silent for as long as the board may take, and a while beside") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {R"({"step":"confirm","percent":0})"};
  node.act(7, {"nano", "", kNewImage, "2.1.0", 3600});
  node.world.run_for(1h + 14min);
  CHECK(node.answers.empty());
  CHECK(bridge.asked.size() == 1);
  SUBCASE("then it says what came of it") {
    bridge.say(kDone);
    node.world.run_for(1s);
    CHECK(node.said() == "yes: firmware 2.1.0 runs");
  }
  SUBCASE("then that is not known") {
    node.world.run_for(3min);
    CHECK(node.said() == "no: it is not known what came of flashing nano: /a: it says nothing");
  }
}

TEST_CASE("a bridge that goes on telling how far it is is not silent, however long it takes") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  for (int i = 0; i < 6; ++i) {
    node.world.run_for(10min);
    bridge.say(kProgress);
  }
  node.world.run_for(15min);
  CHECK(node.answers.empty());
  CHECK(bridge.asked.size() == 1);
  bridge.say(kDone);
  node.world.run_for(1s);
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
}

TEST_CASE("a bridge that is busy is asked again until it has time") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {R"({"error":"other is being flashed","code":"busy"})"};
  node.act(7);
  node.world.run_for(10min);
  CHECK(node.answers.empty());
  SUBCASE("it has") {
    node.world.run_for(10h);
    CHECK(node.answers.empty());
    bridge.answers = {kDone};
    node.world.run_for(BoardFlash::kBusyEvery + rt::Seconds(1));
    CHECK(node.said() == "yes: firmware 2.1.0 runs");
  }
  SUBCASE("it has none") {
    node.world.run_for(BoardFlash::kOrderMax - rt::Nanos(11min));
    CHECK(node.answers.empty());
    node.world.run_for(2min);
    CHECK(node.said() == "no: no bridge of this node flashed nano: /a: other is being flashed");
  }
  for (const json& each : bridge.asked) CHECK(each == bridge.asked[0]);
}

TEST_CASE("an answer that is none is left, and nothing is said of the board") {
  const auto said = [](const std::string& line) {
    Node node;
    Bridge bridge(node.streams, "/a");
    bridge.answers = {line};
    node.act(7);
    node.world.run_for(1s);
    return node.said();
  };
  const std::string unknown = "no: it is not known what came of flashing nano: /a: its answer is ";
  for (const std::string line :
       {"", "garbage", "[]", "7", "null", "{\"outcome\":", R"({"outcome":5})",
        R"({"outcome":"perhaps"})", "{\"outcome\":\"done\xff\"}"}) {
    INFO(line);
    CHECK(said(line) == unknown + "not understood");
  }
  CHECK(said(R"({"x":)" + std::string(1000, '[') + std::string(1000, ']') + "}") ==
        unknown + "not understood");
  CHECK(said(std::string(100'000, ' ')) == unknown + "not understood");
}

TEST_CASE("a line without an end is not waited for") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  node.world.run_for(1s);
  bridge.say_bytes(std::string(64 * 1024, 'x'));
  node.world.run_for(1s);
  CHECK(node.answers.empty());
  bridge.say_bytes("x");
  node.world.run_for(1s);
  CHECK(node.said() ==
        "no: it is not known what came of flashing nano: /a: its answer is too long");
}

TEST_CASE("an answer is no longer than an event should be") {
  Node node({"/a", "/b"});
  Bridge first(node.streams, "/a"), second(node.streams, "/b");
  first.answers = {json{{"error", std::string(60'000, 'e')}}.dump()};
  second.answers = first.answers;
  node.act(7);
  node.world.run_for(1s);
  REQUIRE(node.answers.size() == 1);
  CHECK(node.answers[0].second.detail.size() == BoardFlash::kDetailBytesMax);
}

TEST_CASE("an answer may come byte by byte") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  node.world.run_for(1s);
  for (const char c : kProgress + "\n" + kDone + "\n") {
    bridge.say_bytes(std::string(1, c));
    node.world.run_for(10ms);
  }
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
}

TEST_CASE("what a former life ordered is asked for, and never ordered again") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {kProgress};
  node.act(7);
  node.world.run_for(1s);
  node.flash = std::make_unique<BoardFlash>(node.loop, node.streams, node.log,
                                            std::vector<std::string>{"/a"});
  node.world.run_for(1s);
  CHECK(node.answers.empty());
  node.resume(7);
  node.world.run_for(1s);
  bridge.stop();
  node.world.run_for(1min);
  bridge.start();
  bridge.answers = {kProgress, kDone};
  node.world.run_for(5s);
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
  REQUIRE(bridge.asked.size() == 3);
  const json& id = bridge.asked[0].at("id");
  CHECK(bridge.asked[1] == json{{"verb", "flash_result"}, {"id", id}});
  CHECK(bridge.asked[2] == bridge.asked[1]);
}

TEST_CASE("what a former life ordered and no bridge knows was not flashed") {
  Node node;
  Bridge bridge(node.streams, "/a");
  bridge.answers = {R"({"error":"unknown","code":"not_found"})"};
  node.resume(7);
  node.world.run_for(1s);
  CHECK(node.said() == "no: no bridge of this node flashed nano: /a: unknown");
  CHECK(bridge.asked.size() == 1);
}

TEST_CASE("what a former life ordered is not known while its bridge is away or busy") {
  Node node;
  std::unique_ptr<Bridge> bridge;
  rt::Nanos most = BoardFlash::kSilentMax + rt::Seconds(60);
  SUBCASE("it is away") {}
  SUBCASE("it is busy") {
    bridge = std::make_unique<Bridge>(node.streams, "/a");
    bridge->answers = {R"({"error":"it was interrupted","code":"busy"})"};
    most = BoardFlash::kOrderMax;
  }
  node.resume(7);
  node.world.run_for(most - rt::Seconds(20));
  CHECK(node.answers.empty());
  node.world.run_for(2min);
  CHECK(node.said().starts_with("no: it is not known what came of flashing nano: /a: "));
}

TEST_CASE("a bridge that comes up long after the agent tells what a former life ordered") {
  Node node;
  node.resume(7);
  node.world.run_for(10min);
  CHECK(node.answers.empty());
  Bridge bridge(node.streams, "/a");
  bridge.answers = {kDone};
  node.world.run_for(BoardFlash::kRetryEvery + rt::Seconds(1));
  CHECK(node.said() == "yes: firmware 2.1.0 runs");
}

TEST_CASE("of many orders those beyond the bound are answered at once, until there is room") {
  Node node;
  Bridge bridge(node.streams, "/a");
  for (std::uint64_t id = 1; id <= BoardFlash::kJobsMax; ++id) node.act(id);
  node.world.run_for(1s);
  CHECK(node.answers.empty());
  node.act(100);
  CHECK(node.said() == "no: 64 orders wait already; ask again");
  CHECK(node.answers[0].first == 100);
  bridge.say(kDone);
  node.world.run_for(1s);
  CHECK(node.answers.size() == 2);
  node.act(101);
  node.world.run_for(1s);
  CHECK(node.answers.size() == 2);
  CHECK(bridge.asked.size() == BoardFlash::kJobsMax + 1);
}

TEST_CASE("all that a former life ordered is asked for, as many at once as there is room for") {
  constexpr std::uint64_t kOrders = BoardFlash::kJobsMax + 6;
  Node node;
  Bridge bridge(node.streams, "/a");
  for (std::uint64_t id = 1; id <= kOrders; ++id) node.resume(id);
  node.world.run_for(1s);
  CHECK(bridge.asked.size() == BoardFlash::kJobsMax);
  CHECK(node.answers.empty());
  node.act(100);
  CHECK(node.said() == "no: 64 orders wait already; ask again");
  bridge.stop();
  bridge.start();
  bridge.answers = {kDone};
  node.world.run_for(10s);
  REQUIRE(node.answers.size() == 1 + kOrders);
  for (std::size_t i = 1; i <= kOrders; ++i) {
    INFO("answer ", i);
    CHECK(node.answers[i].second.done);
  }
  for (const json& each : bridge.asked) CHECK(each.at("verb") == "flash_result");
}

TEST_CASE("an id is of a command and its order") {
  const auto id = [](std::uint64_t command, const wire::FlashOrder& order) {
    Node node;
    Bridge bridge(node.streams, "/a");
    node.act(command, order);
    node.world.run_for(1s);
    REQUIRE(bridge.asked.size() == 1);
    return bridge.asked[0].at("id").get<std::string>();
  };
  const std::string first = id(7, Node::kOrder);
  CHECK(id(7, Node::kOrder) == first);
  CHECK(id(8, Node::kOrder) != first);
  CHECK(id(7, {"nano", ":00000001FF\n", "", "2.1.1", 60}) != first);
}

TEST_CASE("a wrong order is answered at once, and no bridge hears of it") {
  Node node;
  Bridge bridge(node.streams, "/a");
  wire::Command command;
  command.id = 7;
  command.arguments = R"({"board":"nano","version":"2.1.0"})";
  SUBCASE("new") {
    node.flash->verb().act(command, node.answered(7));
  }
  SUBCASE("of a former life") {
    node.flash->verb().resume(command, node.answered(7));
  }
  CHECK(node.said().starts_with("no: expected {\"board\": NAME, "));
  node.world.run_for(1h);
  CHECK(bridge.asked.empty());
  CHECK(node.answers.size() == 1);
}

TEST_CASE("two orders at once are each answered by what came of theirs") {
  Node node;
  Bridge bridge(node.streams, "/a");
  node.act(7);
  node.world.run_for(1s);
  node.act(8, {"uno", "", kNewImage, "3", 60});
  node.world.run_for(1s);
  REQUIRE(bridge.asked.size() == 2);
  CHECK(bridge.asked[0].at("device") == "nano");
  CHECK(bridge.asked[1].at("device") == "uno");
  CHECK(bridge.clients() == 2);
  bridge.say(outcome("unchanged", "check", "no image"));
  node.world.run_for(1s);
  REQUIRE(node.answers.size() == 1);
  CHECK(node.answers[0].first == 8);
  CHECK_FALSE(node.answers[0].second.done);
  bridge.stop();
  bridge.start();
  bridge.answers = {kDone};
  node.world.run_for(5s);
  REQUIRE(node.answers.size() == 2);
  CHECK(node.answers[1].first == 7);
  CHECK(node.answers[1].second.done);
  CHECK(bridge.asked.size() == 3);
}

TEST_CASE("an order that is open when the agent ends is not answered any more") {
  std::vector<std::string> says;
  SUBCASE("its bridge is at work") {
    says = {kProgress};
  }
  SUBCASE("its bridge refuses") {
    says = {kUnknown};
  }
  SUBCASE("its bridge answers") {
    says = {kDone};
  }
  SUBCASE("its bridge is silent") {}
  int open = 0;
  for (int steps = 0; steps < 12; ++steps) {
    INFO("after so many steps: ", steps);
    Node node;
    Bridge bridge(node.streams, "/a");
    bridge.answers = says;
    node.act(7);
    for (int i = 0; i < steps && node.answers.empty(); ++i) node.world.step();
    if (!node.answers.empty()) break;
    open += 1;
    node.flash.reset();
    node.world.run_for(2h);
    CHECK(node.answers.empty());
    CHECK(bridge.asked.size() <= 1);
  }
  CHECK(open > 3);
}

TEST_CASE("an order that waits for its bridge when the agent ends is not answered any more") {
  Node node;
  node.act(7);
  node.world.run_for(1min);
  node.flash.reset();
  Bridge bridge(node.streams, "/a");
  node.world.run_for(2h);
  CHECK(node.answers.empty());
  CHECK(bridge.asked.empty());
}

TEST_CASE("a bridge that comes back and refuses is not waited for") {
  Node node({"/a", "/b"});
  Bridge first(node.streams, "/a"), second(node.streams, "/b");
  second.answers = {kUnknown};
  node.act(7);
  node.world.run_for(1s);
  first.stop();
  node.world.run_for(5min);
  CHECK(node.answers.empty());
  first.start();
  first.answers = {kUnknown};
  node.world.run_for(5s);
  CHECK(node.said() ==
        "no: it is not known what came of flashing nano: /a: there is no device nano; /b: there is "
        "no device nano");
}

}  // namespace
}  // namespace fieldpost::agent
