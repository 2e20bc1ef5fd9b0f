#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "agent/sources/rules_teller.h"
#include "coordinator/replay/replay.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/store_records.h"

/// A source that keeps its messages raw, the store that has them, and replays.
namespace fieldpost::test {

using namespace std::chrono_literals;  // NOLINT
using coordinator::Reading;
using coordinator::Replaced;
using coordinator::Replay;
using mapping::MappingRules;

inline constexpr const char* kReplaySource = "mqtt_topics:site/{room}";
inline const rt::UnixTime kFirst = kStoreNow + -1h;
inline const wire::Id128 kBoot{3, 4};

inline MappingRules rules(const std::string& field, const std::string& pointer,
                          const std::string& time_pointer = "") {
  return {.format = mapping::RuleFormat::kJson,
          .topic = "site/{room}",
          .measurement = "air",
          .json = {.measurement = "air",
                   .fields = {{field, pointer}},
                   .time_pointer = time_pointer,
                   .time_precision = wire::Precision::kS}};
}

/// A node with a source that keeps its messages, and the coordinator's store.
class ReplaySite {
 public:
  ReplaySite() { open_query(); }
  void open_query() { query_.emplace(world.make_reading_query().value()); }
  void close_query() { query_.reset(); }

  void use(const MappingRules& by) {
    keeper_.emplace(mapping::RawKeeper::make(kReplaySource, by).value());
    mapper_.emplace(mapping::Mapper::make(by).value());
    sim::FakeIntake intake;
    agent::RulesTeller(*keeper_).tell(intake, kFirst);
    deliver(std::move(intake.sampled.at(0)));
  }
  /// The agent takes it at `now`.
  void take(const std::string& payload, rt::UnixTime now, const wire::Id128& boot = {},
            const std::string& topic = "site/hall") {
    const mapping::Message message{topic, payload, false};
    const rt::UnixTime stamp = keeper_->stamp(now);
    auto lines = mapper_->map(message, stamp, {}).lines;
    REQUIRE(keeper_->add(message, stamp, lines).has_value());
    deliver(std::move(lines), boot);
  }
  void deliver(wire::ParsedLines lines, const wire::Id128& boot = {}) {
    wire::ReadingsBatch batch;
    const std::string bytes = boot.bytes();
    std::ranges::copy(bytes, batch.stamp.boot.begin());
    batch.stamp.synchronised = boot == wire::Id128();
    (boot == wire::Id128() ? batch.pieces : batch.boot_pieces).push_back(std::move(lines));
    const auto encoded = encoder_.encode(std::move(batch)).value();
    for (const wire::EncodedReadings& each : encoded) {
      auto record = arrival(++seq_, each.record);
      record.envelope.definitions = {each.set->encode()};
      const auto settled = world.ingest().commit({record}, kStoreNow);
      REQUIRE(settled.has_value());
      REQUIRE(settled->at(0).verdict == wire::Verdict::kStored);
    }
  }
  [[nodiscard]] Replay make_replay(const MappingRules& by, coordinator::TimeRange range = {},
                                   const std::string& source = "") {
    return Replay::make({"n1", source, range, by, "127.0.0.1"}).value();
  }
  rt::Status run(Replay& replay) {
    for (;;) {
      const auto more = replay.step(*query_);
      if (!more) return more.error();
      if (!*more) return rt::ok();
    }
  }
  Replaced replay(const MappingRules& by, coordinator::TimeRange range = {}) {
    Replay replay = make_replay(by, range);
    REQUIRE(run(replay).has_value());
    progress = replay.progress();
    const auto replaced = world.store().replace_readings(replay.take_replacement(), kStoreNow);
    REQUIRE(replaced.has_value());
    return *replaced;
  }
  /// "t=1 t=2 u=3": field and value, by time, of every series but those of raw messages.
  std::string readings() {
    std::multimap<std::pair<std::int64_t, std::string>, std::string> all;
    const auto series = query_->series({}, 0, 1000).value();
    for (const auto& each : series) {
      if (each.key.measurement.starts_with("fieldpost_")) continue;
      const auto page = query_->readings(each.id, {}, 1000).value();
      for (const Reading& reading : page) {
        if (each.key.type != wire::ValueType::kF64) continue;
        const auto value = std::bit_cast<double>(reading.value);
        all.emplace(std::pair(reading.time, each.key.field),
                    fmt::format("{}={}{}", each.key.field, value,
                                reading.boot == wire::Id128() ? "" : "*"));
      }
    }
    std::string out;
    for (const auto& [at, text] : all) out += (out.empty() ? "" : " ") + text;
    return out;
  }

  StoreWorld world;
  coordinator::ReplayProgress progress;

 private:
  std::optional<coordinator::ReadingQuery> query_;
  std::optional<mapping::RawKeeper> keeper_;
  std::optional<mapping::Mapper> mapper_;
  wire::BatchEncoder encoder_{wire::EncoderOptions{}};
  std::uint64_t seq_ = 0;
};

/// Five messages a minute apart: {"a": i, "b": 10 i}.
inline void take_five(ReplaySite& site) {
  for (int i = 1; i <= 5; ++i) {
    site.take(fmt::format(R"({{"a": {}, "b": {}}})", i, 10 * i), kFirst + i * 1min);
  }
}

inline coordinator::TimeRange minutes(int from, int to) {
  return {(kFirst + from * 1min).ns, (kFirst + to * 1min).ns};
}

}  // namespace fieldpost::test
