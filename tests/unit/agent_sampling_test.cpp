#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "agent/sampling.h"
#include "agent/spool/spool_transaction.h"
#include "proto/wire/limits.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::agent {
namespace {

/// A source that samples `mem`, and remembers what it was told.
struct ToldSource final : Source {
  explicit ToldSource(std::optional<SamplingHints>& hints) : told(hints) {}
  [[nodiscard]] SourceHealth health() const override { return {}; }
  [[nodiscard]] bool obeys_hint_for(std::string_view measurement) const override {
    return measurement == "mem";
  }
  void set_sampling(const SamplingHints& hints) override { told = hints; }
  std::optional<SamplingHints>& told;
};

/// An agent's spool and one source. `restart` is the next life of the process.
struct Node {
  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "sampling-test"};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimRandom random{sim::Dice(3)};
  sim::SimWorker store{loop, sim::Dice(4)}, encoder{loop, sim::Dice(5)};
  sim::SimLog log{world, "agent"};
  std::optional<SamplingHints> told;
  Sampling::Sources sources;
  std::unique_ptr<SpoolFront> front;
  std::unique_ptr<Sampling> sampling;

  Node() {
    sources.push_back(std::make_unique<ToldSource>(told));
    restart();
  }
  void restart() {
    sampling.reset();
    front.reset();
    told.reset();
    auto spool = Spool::open("/spool/spool.db", vfs.name(), random);
    REQUIRE(spool.has_value());
    front = std::make_unique<SpoolFront>(loop, clock, random, store, encoder, log,
                                         SpoolFrontOptions{}, std::move(*spool));
    sampling = std::make_unique<Sampling>(log, *front, sources);
    sampling->recover();
    world.run_for(rt::Millis(100));
  }
  Inbox::Answer obey(std::uint64_t id, const std::string& arguments) {
    wire::Command command;
    command.id = id;
    command.verb = "sampling";
    command.arguments = arguments;
    return sampling->obey(command);
  }
  /// What goes to the disk with an answer.
  void write(const Inbox::Answer& answer) {
    REQUIRE(answer.also);
    rt::Status written = rt::Error{rt::Errc::kBusy, "not yet"};
    front->with_spool(
        [also = answer.also](Spool& spool) { return spool.transact([&] { return also(spool); }); },
        [&](rt::Status status) { written = std::move(status); });
    world.run_for(rt::Millis(100));
    REQUIRE(written.has_value());
  }
  [[nodiscard]] std::optional<rt::Nanos> mem() const {
    if (!told || !told->every.contains("mem")) return std::nullopt;
    return told->every.at("mem");
  }
};

TEST_CASE("hints are seconds by measurement, and what is anything else is none") {
  const auto hints = parse_sampling(R"({"every_s":{"mem":1.5,"soil":86400,"fast":0.001}})");
  REQUIRE(hints.has_value());
  CHECK(hints->every.at("mem") == rt::Millis(1500));
  CHECK(hints->every.at("soil") == rt::Seconds(86400));
  CHECK(hints->every.at("fast") == SamplingHints::kLeast);
  const auto none = parse_sampling(R"({"every_s":{}})");
  REQUIRE(none.has_value());
  CHECK(none->every.empty());
  for (const char* text :
       {"", "7", "[]", "{}", R"({"every_s":7})", R"({"every_s":{"mem":0}})",
        R"({"every_s":{"mem":-1}})", R"({"every_s":{"mem":86401}})", R"({"every_s":{"mem":1e300}})",
        R"({"every_s":{"mem":"1"}})", R"({"every_s":{"mem":null}})"}) {
    INFO(text);
    CHECK_FALSE(parse_sampling(text).has_value());
  }
}

TEST_CASE("hints are bounded in number, and their names in bytes") {
  const auto many = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += fmt::format("{}\"m{}\":1", text.empty() ? "" : ",", i);
    }
    return parse_sampling(R"({"every_s":{)" + text + "}}").has_value();
  };
  CHECK(many(wire::kSamplingHintsMax));
  CHECK_FALSE(many(wire::kSamplingHintsMax + 1));
  const auto named = [](std::size_t bytes) {
    return parse_sampling(R"({"every_s":{")" + std::string(bytes, 'm') + "\":1}}").has_value();
  };
  CHECK(named(wire::kSamplingNameBytesMax));
  CHECK_FALSE(named(wire::kSamplingNameBytesMax + 1));
}

TEST_CASE("the sources go by the hints at once, and by new ones in their place") {
  Node node;
  CHECK_FALSE(node.told.has_value());
  const Inbox::Answer first = node.obey(1, R"({"every_s":{"mem":1}})");
  CHECK(first.done);
  CHECK(first.detail == "");
  CHECK(node.mem() == rt::Seconds(1));
  CHECK(node.obey(2, R"({"every_s":{"mem":3}})").done);
  CHECK(node.mem() == rt::Seconds(3));
  CHECK(node.obey(3, R"({"every_s":{}})").done);
  REQUIRE(node.told.has_value());
  CHECK(node.told->every.empty());
}

TEST_CASE("what no source here samples is told with the answer") {
  Node node;
  CHECK(node.obey(1, R"({"every_s":{"mem":1,"soil":2}})").detail ==
        "soil: no source here samples it by itself");
  CHECK(node.obey(2, R"({"every_s":{"air":1,"soil":2}})").detail ==
        "air, soil: no source here samples them by itself");
  std::string many;
  for (int i = 0; i < 10; ++i) many += fmt::format("{}\"m{}\":1", i == 0 ? "" : ",", i);
  CHECK(node.obey(3, R"({"every_s":{)" + many + "}}")
            .detail.ends_with("m7 and 2 more: no source here samples them by itself"));
}

TEST_CASE("a malformed command is refused and changes nothing") {
  Node node;
  node.write(node.obey(1, R"({"every_s":{"mem":1}})"));
  const Inbox::Answer refused = node.obey(2, R"({"every_s":{"mem":0}})");
  CHECK_FALSE(refused.done);
  CHECK(refused.detail.starts_with("expected {"));
  CHECK_FALSE(refused.also);
  CHECK(node.mem() == rt::Seconds(1));
}

TEST_CASE("a node that starts again goes on as it was told") {
  Node node;
  node.restart();
  CHECK_FALSE(node.told.has_value());
  node.write(node.obey(7, R"({"every_s":{"mem":2}})"));
  node.restart();
  CHECK(node.mem() == rt::Seconds(2));
  CHECK_FALSE(node.obey(6, R"({"every_s":{"mem":9}})").done);
  CHECK(node.mem() == rt::Seconds(2));
  node.write(node.obey(8, R"({"every_s":{}})"));
  node.restart();
  CHECK_FALSE(node.mem().has_value());
}

TEST_CASE("answers that are written in the wrong order leave the later command's hints") {
  Node node;
  const Inbox::Answer earlier = node.obey(1, R"({"every_s":{"mem":1}})");
  const Inbox::Answer later = node.obey(2, R"({"every_s":{"mem":2}})");
  node.write(later);
  node.write(earlier);
  node.restart();
  CHECK(node.mem() == rt::Seconds(2));
}

TEST_CASE("what was kept and cannot be read is no hint, and is told in the log") {
  Node node;
  node.write(node.obey(1, R"({"every_s":{"mem":1}})"));
  const auto change = [&](const std::string& sql) {
    node.sampling.reset();
    node.front.reset();
    auto db = rt::Database::open("/spool/spool.db", {.vfs = node.vfs.name()});
    REQUIRE(db.has_value());
    REQUIRE(db->execute(sql).has_value());
  };
  SUBCASE("it is damaged") {
    change("UPDATE fact SET seal = seal + 1 WHERE key = 'sampling'");
    node.restart();
    CHECK(node.log.count_containing("how often to sample") == 1);
  }
  SUBCASE("it is not there") {
    change("DELETE FROM fact WHERE key = 'sampling'");
    node.restart();
    CHECK(node.log.count_containing("how often to sample") == 0);
  }
  CHECK_FALSE(node.told.has_value());
}

}  // namespace
}  // namespace fieldpost::agent
