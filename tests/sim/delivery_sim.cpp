#include "tests/sim/delivery_sim.h"

#include <fmt/format.h>

#include "proto/wire/limits.h"
#include "tests/sim/body_audit.h"
#include "tests/sim/ledger_audit.h"
#include "tests/sim/sim_field.h"
#include "tests/sim/storms.h"

namespace fieldpost::sim {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kTimeBase = 1'767'225'600'000'000'000;  // 2026-01-01
constexpr int kFeeds = 60;
constexpr int kStorms = 40;
constexpr int kRots = 3;
constexpr rt::Nanos kStormTime = minutes(20);
constexpr std::uint64_t kTightLeast = 6 * 1024, kTightMost = 24 * 1024;
constexpr std::uint64_t kTightReserve = 512;
constexpr std::uint64_t kWideBound = 64 << 20, kWideReserve = 1 << 20;
constexpr std::uint64_t kBodyBytesMost = 4 * wire::kFragmentBytes;
constexpr std::uint64_t kTightBodyBytes = 1 << 20;
constexpr std::uint64_t kBoundSlack = 8 * 1024;

/// How the node's spool is bounded under this weather.
agent::ShedOptions shed_options(const Weather& weather, Dice& dice) {
  agent::ShedOptions shed;
  shed.bytes_max = weather.tight_spool ? dice.between(kTightLeast, kTightMost) : kWideBound;
  shed.gap_reserve = weather.tight_spool ? kTightReserve : kWideReserve;
  if (weather.tight_spool && dice.chance(50)) shed.policies = {agent::ShedPolicy::kThin};
  return shed;
}

SimNode::Options with_spool(const agent::ShedOptions& shed) {
  SimNode::Options options;
  options.front.shed = shed;
  return options;
}

/// One life of a site: bad weather, calm, and the checkers.
class DeliveryRun {
 public:
  DeliveryRun(std::uint64_t seed, const Weather& weather, bool verbose)
      : weather_(weather),
        dice_(SimWorld(seed).dice("run")),
        shed_(shed_options(weather, dice_)),
        field_(seed, with_spool(shed_)),
        storms_(field_, weather, field_.world.dice("weather")),
        verbose_(verbose) {
    if (weather.tight_credit) {
      field_.site.set_credit({wire::kEnvelopeBytesMax, wire::kEnvelopeBytesMax});
    }
    if (weather.tight_bodies) {
      coordinator::StoreOptions store;
      store.bodies = {.bodies_max = 1, .bytes_max = kTightBodyBytes};
      field_.site.set_store(store);
    }
    if (!weather.compacts) field_.site.set_never_compacts();
    if (verbose) field_.tell_all();
  }

  RunResult run() {
    field_.broker.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      field_.watch.on_taken(from, message);
      return storms_.tap(from, message);
    });
    field_.site.start();
    field_.node.start();
    if (weather_.two_nodes) field_.other.start();
    SimWorld& world = field_.world;
    for (int i = 0; i < kFeeds; ++i) {
      world.schedule(dice_.between(rt::Nanos(seconds(1)), kStormTime), [this] { feed(); });
    }
    for (int i = 0; i < kStorms; ++i) {
      world.schedule(dice_.between(rt::Nanos(seconds(5)), kStormTime),
                     [this] { storms_.strike(); });
    }
    if (weather_.tight_spool) {
      // Long enough that more is shed than gaps have room for.
      world.schedule(dice_.between(rt::Nanos(minutes(2)), rt::Nanos(minutes(8))),
                     [this] { storms_.cut_off(field_.node, minutes(8)); });
    }
    for (int i = 0; weather_.rot && i < kRots; ++i) {
      world.schedule(dice_.between(rt::Nanos(minutes(1)), kStormTime), [this] { storms_.rot(); });
    }
    world.run_for(kStormTime + seconds(1));
    calm();
    return finish();
  }

 private:
  void feed() {
    SimNode& to = field_.clone.running() && dice_.chance(50) ? field_.clone
                  : weather_.two_nodes && dice_.chance(40)   ? field_.other
                                                             : field_.node;
    const int count = static_cast<int>(1 + dice_.below(weather_.tight_spool ? 200 : 20));
    to.feed(dice_.chance(60), count, kTimeBase, 4, dice_);
    if (weather_.strange_records && dice_.chance(5)) to.feed_strange_record(dice_);
    if (weather_.bodies && dice_.chance(20)) {
      to.feed_body(1 + dice_.below(kBodyBytesMost), kTimeBase, dice_);
    }
    check_bound(to);
  }

  /// What is on disk stays within the bound, but for gaps, which have a reserve, and the one record
  /// that is being written.
  void check_bound(SimNode& node) {
    if (node.front() == nullptr || !over_bound_.empty()) return;
    const agent::SpoolTotals& totals = node.front()->totals();
    const std::uint64_t bytes = agent::spool_bytes(totals);
    const std::uint64_t most = shed_.bytes_max + shed_.gap_reserve + kBoundSlack;
    if (bytes > most) {
      over_bound_ = fmt::format("{} bytes in a spool of {}: {} records, {} of gaps", bytes,
                                shed_.bytes_max, totals.records_held, totals.gap_bytes_held);
    }
  }

  void calm() {
    storms_.end();
    field_.clone.kill();
    for (SimNode* node : {&field_.node, &field_.other}) {
      node->clock().set_offset(rt::Nanos(0));
      node->clock().set_synchronised(true);
    }
    field_.site.clock().set_offset(rt::Nanos(0));
    field_.site.clock().set_synchronised(true);
    field_.site.start();
    field_.node.start();
    if (weather_.two_nodes) field_.other.start();
    field_.world.run_for(minutes(2));
    // Two machines were one node: the operator says that the one that is left is the node. Where no
    // disk went back nobody asks him, and what the coordinator thinks stays for the checkers.
    set_back_ = set_back_ || storms_.set_back() || field_.node.forgot() || field_.clone.forgot();
    const bool may_alarm = set_back_ || storms_.store_back();
    if (may_alarm && field_.site.coordinator() != nullptr) {
      field_.site.coordinator()->release("n1", [](rt::Status) {});
    }
    settled_ = field_.world.run_until([this] { return idle(); }, hours(2));
    field_.world.run_for(minutes(1));
    for (const SimNode* node : {&field_.node, &field_.other}) {
      if (node->running()) shed_readings_ += node->shed();
    }
    // The next hello tells the store which hashes nobody needs any more.
    for (const SimNode* node : {&field_.node, &field_.other}) {
      field_.broker.break_connection(node->client_id());
    }
    field_.world.run_for(seconds(1));
    settled_ = settled_ && field_.world.run_until([this] { return idle(); }, minutes(10));
    field_.world.run_for(minutes(1));
  }

  [[nodiscard]] bool idle() const {
    return field_.site.running() && field_.node.idle() &&
           (!weather_.two_nodes || field_.other.idle());
  }

  RunResult finish() {
    RunResult out;
    out.fed = field_.book.entries.size();
    const std::string state = field_.node.describe() + "; " + field_.other.describe();
    if (!settled_) out.faults.push_back("does not come to rest: " + state);
    if (!over_bound_.empty()) out.faults.push_back(over_bound_);
    const auto& on_the_wire = field_.watch.faults();
    out.faults.insert(out.faults.end(), on_the_wire.begin(), on_the_wire.end());
    out.faults.insert(out.faults.end(), storms_.at_death().begin(), storms_.at_death().end());
    set_back_ = set_back_ || storms_.set_back() || field_.node.forgot() || field_.clone.forgot();
    field_.node.kill();
    field_.other.kill();
    field_.site.kill();
    if (field_.site.disk().is_stopped()) field_.site.disk().restart_after_kill();
    for (const char* node : {"n1", "n2"}) {
      StoreAudit found = audit(field_.site, field_.book, node, set_back_);
      out.faults.insert(out.faults.end(), found.faults.begin(), found.faults.end());
      out.stored += found.stored;
      out.gapped += found.gapped;
    }
    const auto bodies = audit_bodies(field_.site, field_.book, set_back_);
    out.faults.insert(out.faults.end(), bodies.begin(), bodies.end());
    const auto told =
        audit_ledger(field_.site, field_.watch, field_.book,
                     {set_back_, storms_.store_back(), thins(), settled_}, shed_readings_);
    out.faults.insert(out.faults.end(), told.begin(), told.end());
    out.trace_hash = field_.world.trace_hash();
    out.summary = fmt::format("fed {}, stored {}, in gaps {}; node: {}", out.fed, out.stored,
                              out.gapped, state);
    if (!out.faults.empty() || verbose_) out.summary += field_.story();
    return out;
  }

  [[nodiscard]] bool thins() const { return shed_.policies.front() == agent::ShedPolicy::kThin; }

  Weather weather_;
  Dice dice_;
  agent::ShedOptions shed_;
  SimField field_;
  Storms storms_;
  bool verbose_ = false;
  std::uint64_t shed_readings_ = 0;
  std::string over_bound_;
  bool settled_ = false;
  bool set_back_ = false;  ///< readings of the time before may be gone with the machine
};

}  // namespace

Weather weather_of(std::uint64_t seed) {
  Weather weather;
  Dice dice(seed * 2 + 1);
  for (bool* each : {&weather.links, &weather.kills, &weather.power, &weather.clocks,
                     &weather.disks, &weather.flips, &weather.echoes, &weather.strange_records}) {
    *each = dice.chance(70);
  }
  weather.spool_back = dice.chance(25);
  weather.clone = dice.chance(15);
  weather.store_back = dice.chance(30);
  weather.tight_spool = dice.chance(30);
  weather.two_nodes = dice.chance(25);
  weather.rot = dice.chance(15);
  weather.tight_credit = dice.chance(50);
  weather.compacts = dice.chance(50);
  weather.bodies = dice.chance(50);
  // A body that a machine forgot takes its place for a week.
  const bool forgets = weather.spool_back || weather.clone || weather.store_back || weather.rot;
  weather.tight_bodies = weather.bodies && !forgets && dice.chance(50);
  return weather;
}

RunResult run_delivery(std::uint64_t seed, const Weather& weather, bool verbose) {
  return DeliveryRun(seed, weather, verbose).run();
}

}  // namespace fieldpost::sim
