// Artifacts of jobs on their way into the spool [build-7].
#include "agent/builds/artifact_sender.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/wire/readings_codec.h"
#include "tests/support/builds_node.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::BuildsNode;
using Fault = sim::FakeRunner::Fault;
using Outcomes = std::vector<std::string>;

const wire::JobId kJob{1, 2};

std::string order(const std::string& name = "app.bin", const std::string& form = "whole") {
  return json{{"job", kJob.hex()}, {"fence", 1}, {"name", name}, {"form", form}}.dump();
}

/// A node whose runner has a job with an artifact `app.bin`.
struct Node : BuildsNode {
  explicit Node(std::size_t bytes = 250'000, std::uint64_t seed = 1)
      : BuildsNode(seed), artifact(test::body_bytes(bytes, 5)) {
    runner.add_job(kJob);
    runner.add_fact(kJob, R"({"type":"started","time_ns":1700000000000000000})");
    for (int step = 0; step < 20; ++step) runner.add_fact(kJob, sim::step_fact(step));
    runner.add_artifact(kJob, "other.bin", "other");
    runner.add_artifact(kJob, "app.bin", artifact);
  }
  void begin() {
    start();
    world.run_for(1s);
  }
  Outcomes run(std::uint64_t id, const std::string& arguments, rt::Nanos span = 2s) {
    command(id, "artifact", arguments);
    world.run_for(span);
    return outcomes;
  }
  /// Of the fragments that got on disk, in their order; each once.
  [[nodiscard]] std::string sent() const {
    std::string bytes;
    for (const wire::Fragment& each : fragments) {
      CHECK(each.offset == bytes.size());
      CHECK(each.type == "application/octet-stream");
      bytes += each.bytes;
    }
    return bytes;
  }

  std::string artifact;
};

/// The one reading of a record, `SET = "TEXT" @TIME`.
std::string reading_of(const SpoolRecord& record) {
  const auto content = wire::decode_record(*record.body);
  REQUIRE(content.has_value());
  const auto raw = wire::decompress(content->payload, content->codec, content->raw_size);
  REQUIRE(raw.has_value());
  const std::vector<wire::ValueType> types{wire::ValueType::kString};
  const auto columns = wire::decode_columns(*raw, types);
  REQUIRE(columns.has_value());
  REQUIRE(columns->columns.size() == 1);
  const wire::Column& column = columns->columns[0];
  REQUIRE(column.count() == 1);
  return *record.definition + column.strings.at(0) + " @" + std::to_string(column.times[0]);
}

}  // namespace

TEST_CASE("an artifact becomes a body, and a reading that tells of it") {
  Node node;
  node.begin();
  CHECK(node.run(7, order()) == Outcomes{"7 yes: "});
  const bool same = node.sent() == node.artifact;
  CHECK(same);
  REQUIRE(node.readings.size() == 1);
  const wire::BodyReference reference{wire::sha256(node.artifact), node.artifact.size(),
                                      "application/octet-stream", "app.bin"};
  CHECK(reading_of(node.readings[0]) == "fieldpost_artifact,job=" + kJob.hex() +
                                            ",name=app.bin body s\n" + wire::encode(reference) +
                                            " @1700000000000000000");
  CHECK(node.records(RecordClass::kBody, RecordClass::kBody).front().first_time ==
        1'700'000'000'000'000'000);
}

TEST_CASE("an artifact that the runner gives in small pieces is whole, too") {
  Node node;
  node.runner.piece_most = 1'000;
  node.begin();
  CHECK(node.run(7, order()) == Outcomes{"7 yes: "});
  const bool same = node.sent() == node.artifact;
  CHECK(same);
}

TEST_CASE("an artifact whose name is a path has it in its series, and not as a file's name") {
  Node node;
  node.runner.add_artifact(kJob, "a/b c,d", "xyz");
  node.begin();
  CHECK(node.run(7, order("a/b c,d")) == Outcomes{"7 yes: "});
  REQUIRE(node.readings.size() == 1);
  const wire::BodyReference reference{wire::sha256("xyz"), 3, "application/octet-stream", ""};
  CHECK(reading_of(node.readings[0]).find(wire::encode(reference)) != std::string::npos);
}

TEST_CASE("what is no order, or of no artifact, is answered with what is wrong") {
  Node node;
  node.runner.add_artifact(kJob, "empty", "");
  node.runner.add_fact(kJob, R"({"type":"artifact","name":"odd","size":5})");
  node.begin();
  const auto said = [&node](const std::string& arguments) {
    static std::uint64_t id = 100;
    return node.run(++id, arguments).back().substr(4);
  };
  const std::string wrong =
      R"(no: expected {"job": HEX, "fence": N, "name": TEXT, "form": "whole"}, or "form": "delta" )"
      R"(with "base")";
  CHECK(said("") == wrong);
  CHECK(said("{}") == wrong);
  CHECK(said(order("")) == wrong);
  CHECK(said(order(std::string(256, 'n'))) == wrong);
  CHECK(said(order("app.bin", "half")) == wrong);
  CHECK(said(order("app.bin", "delta")) == "no: base_gone");
  CHECK(said(order("none")) == "no: the runner knows no artifact of this name");
  CHECK(said(order("empty")) == "no: it is empty: there is nothing to send");
  CHECK(said(order("odd")) == "no: its fact does not say size and sha256");
  node.runner.jobs.at(kJob).fence = 2;
  CHECK(said(order()) == "no: it is here with another fence");
  node.runner.jobs.clear();
  CHECK(said(order()) == "no: there is no job " + kJob.hex());
  CHECK(node.readings.empty());
}

TEST_CASE("an artifact that is not what its fact tells is not told of") {
  Node node;
  std::string message = "7 no: ";
  std::string& held = node.runner.jobs.at(kJob).artifacts["app.bin"];
  SUBCASE("other bytes") {
    held[200'000] ^= 1;
    message += "its bytes are not those that its fact tells of";
  }
  SUBCASE("fewer bytes") {
    held.resize(200'000);
    message += "its size is not what its fact tells";
  }
  SUBCASE("no file any more") {
    node.runner.jobs.at(kJob).artifacts.erase("app.bin");
    message += "there is no such artifact";
  }
  node.begin();
  CHECK(node.run(7, order()) == Outcomes{message});
  CHECK(node.readings.empty());
  node.runner.jobs.at(kJob).artifacts["app.bin"] = node.artifact;
  CHECK(node.run(8, order()).back() == "8 yes: ");
}

TEST_CASE("a runner that breaks off is asked for the same piece again") {
  for (const Fault fault : {Fault::kHangsUp, Fault::kHalf, Fault::kGarbage, Fault::kSaysMore,
                            Fault::kEndless, Fault::kSilent}) {
    Node node;
    node.begin();
    node.runner.fault_of = "artifact";
    node.runner.faults = {Fault::kNone, fault, fault};
    CHECK(node.run(7, order(), 70s) == Outcomes{"7 yes: "});
    const bool same = node.sent() == node.artifact;
    CHECK(same);
  }
}

TEST_CASE("a runner that stays away is waited for so long") {
  Node node;
  node.begin();
  SUBCASE("before it is asked") {
    node.runner.stop();
    node.command(7, "artifact", order());
  }
  SUBCASE("in the middle") {
    node.runner.fault_of = "artifact";
    node.runner.faults = {Fault::kNone};
    node.runner.fault = Fault::kHangsUp;
    node.command(7, "artifact", order());
  }
  node.world.run_for(ArtifactSender::kRunnerAbsentMax - rt::Seconds(5));
  CHECK(node.outcomes.empty());
  node.world.run_for(10s);
  REQUIRE(node.outcomes.size() == 1);
  CHECK(node.outcomes[0].starts_with("7 no: "));
  node.runner.fault = Fault::kNone;
  node.runner.stop();
  node.runner.start();
  CHECK(node.run(8, order(), 5s).back() == "8 yes: ");
}

TEST_CASE("an artifact larger than the spool goes as room frees, over a restart in the middle") {
  Node node(2'500'000);
  node.options.shed.bytes_max = 1 << 20;
  node.begin();
  node.command(7, "artifact", order());
  node.world.run_for(5s);
  CHECK(node.outcomes.empty());
  CHECK(node.fragments.size() == BodyWriter::kFragmentsPerCommit);
  int rounds = 0;
  for (; node.outcomes.empty() && rounds < 40; ++rounds) {
    node.deliver();
    node.world.run_for(3s);
    if (rounds != 2) continue;
    node.kill();
    node.start();
    node.world.run_for(3s);
  }
  CHECK(node.outcomes == Outcomes{"7 yes: "});
  CHECK(rounds >= 6);
  const bool same = node.sent() == node.artifact;
  CHECK(same);
  CHECK(node.readings.size() == 1);
}

TEST_CASE("a power cut anywhere leaves an artifact whole, told of, and answered once") {
  constexpr std::uint64_t kStep = 37;
  bool stopped = true;
  for (std::uint64_t call = 1; stopped; call += kStep) {
    INFO("stopped at write ", call);
    Node node(1'000'000, call);
    sim::Dice dice(call);
    node.begin();
    node.command(7, "artifact", order());
    REQUIRE(node.world.run_until([&] { return !node.runner.asked_to("artifact").empty(); }, 1s));
    node.disk.stop_at(call);
    node.world.run_for(3s);
    stopped = node.disk.is_stopped();
    node.cut_power(dice);
    node.disk.heal();
    node.start();
    node.world.run_for(5s);
    CHECK(node.stored_outcomes() == Outcomes{"7 yes: "});
    std::map<std::uint64_t, std::string> pieces;
    const auto records = node.records(RecordClass::kBody, RecordClass::kBody);
    for (const SpoolRecord& record : records) {
      const auto content = wire::decode_record(*record.body);
      REQUIRE(content.has_value());
      const auto fragment = wire::decode_fragment(content->payload);
      REQUIRE(fragment.has_value());
      pieces[fragment->offset] = fragment->bytes;
    }
    std::string bytes;
    for (const auto& [offset, piece] : pieces) bytes += piece;
    const bool same = bytes == node.artifact;
    CHECK(same);
    // All of it again only when it was there and not answered yet.
    CHECK((records.size() == 11 || records.size() == 22));
    CHECK_FALSE(node.records(readings_class(0), kLastRecordClass).empty());
  }
}

TEST_CASE("many artifacts go one after the other, and none is lost of those that wait") {
  Node node;
  for (int i = 0; i < 30; ++i) {
    node.runner.add_artifact(kJob, "f" + std::to_string(i), test::body_bytes(5'000, 100));
  }
  node.begin();
  for (std::uint64_t id = 1; id <= 30; ++id) {
    node.command(id, "artifact", order("f" + std::to_string(id - 1)));
  }
  node.world.run_for(30s);
  CHECK(node.outcomes.size() == 30);
  CHECK(std::ranges::all_of(node.outcomes, [](const auto& o) { return o.ends_with(" yes: "); }));
}

TEST_CASE("of many orders those beyond the bound are answered at once") {
  Node node;
  node.begin();
  node.runner.stop();
  for (std::uint64_t id = 1; id <= ArtifactSender::kOrdersMax; ++id) {
    node.command(id, "artifact", order());
  }
  node.world.run_for(1s);
  CHECK(node.run(100, order()) == Outcomes{"100 no: 64 orders wait already; ask again"});
}

TEST_CASE("an agent that ends at any step sends the artifact in its next life") {
  for (int steps = 30; steps < 150; steps += 7) {
    INFO("after so many steps: ", steps);
    Node node;
    node.begin();
    node.command(7, "artifact", order());
    for (int i = 0; i < steps; ++i) node.world.step();
    node.kill();
    node.start();
    node.world.run_for(5s);
    CHECK(node.stored_outcomes() == Outcomes{"7 yes: "});
  }
}

}  // namespace fieldpost::agent
