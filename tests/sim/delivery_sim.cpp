#include "tests/sim/delivery_sim.h"

#include <fmt/format.h>

#include <map>
#include <memory>

#include "proto/wire/limits.h"
#include "tests/sim/ledger_audit.h"
#include "tests/sim/sim_site.h"
#include "tests/sim/wire_watch.h"

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
constexpr std::uint64_t kBoundSlack = 8 * 1024;

/// One site with one node (and, at times, its clone) in bad weather.
class DeliveryRun {
 public:
  DeliveryRun(std::uint64_t seed, const Weather& weather, bool verbose)
      : world_(seed), weather_(weather), dice_(world_.dice("weather")), broker_(world_) {
    world_.set_jitter(rt::Millis(1));
    site_ = std::make_unique<SimSite>(world_, broker_);
    if (weather.tight_credit) {
      site_->set_credit({wire::kEnvelopeBytesMax, wire::kEnvelopeBytesMax});
    }
    if (!weather.compacts) site_->set_never_compacts();
    SimNode::Options options;
    options.front.shed.bytes_max =
        weather.tight_spool ? dice_.between(kTightLeast, kTightMost) : kWideBound;
    options.front.shed.gap_reserve = weather.tight_spool ? kTightReserve : kWideReserve;
    thins_ = weather.tight_spool && dice_.chance(50);
    if (thins_) options.front.shed.policies = {agent::ShedPolicy::kThin};
    shed_ = options.front.shed;
    node_ = std::make_unique<SimNode>(world_, broker_, book_, options);
    options.disk_name = "clone";
    clone_ = std::make_unique<SimNode>(world_, broker_, book_, options);
    options.node = options.disk_name = "n2";
    other_ = std::make_unique<SimNode>(world_, broker_, book_, options);
    verbose_ = verbose;
    if (!verbose) return;
    for (SimLog* log : {&node_->log(), &clone_->log(), &other_->log(), &site_->log()}) {
      log->keep_from(rt::LogLevel::kDebug);
    }
  }

  RunResult run() {
    broker_.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      watch_.on_taken(from, message);
      stop_node_at(message);
      return tap(from, message);
    });
    site_->start();
    node_->start();
    if (weather_.two_nodes) other_->start();
    for (int i = 0; i < kFeeds; ++i) {
      world_.schedule(dice_.between(rt::Nanos(seconds(1)), kStormTime), [this] { feed(); });
    }
    for (int i = 0; i < kStorms; ++i) {
      world_.schedule(dice_.between(rt::Nanos(seconds(5)), kStormTime), [this] { storm(); });
    }
    if (weather_.tight_spool) {
      // Long enough that more is shed than gaps have room for.
      world_.schedule(dice_.between(rt::Nanos(minutes(2)), rt::Nanos(minutes(8))),
                      [this] { cut_off(*node_, minutes(8)); });
    }
    for (int i = 0; weather_.rot && i < kRots; ++i) {
      world_.schedule(rot_dice_.between(rt::Nanos(minutes(1)), kStormTime), [this] { rot(); });
    }
    world_.run_for(kStormTime + seconds(1));
    calm();
    return finish();
  }

 private:
  void feed() {
    SimNode& to = clone_->running() && dice_.chance(50)    ? *clone_
                  : weather_.two_nodes && dice_.chance(40) ? *other_
                                                           : *node_;
    const int count = static_cast<int>(1 + dice_.below(weather_.tight_spool ? 200 : 20));
    to.feed(dice_.chance(60), count, kTimeBase, 4, dice_);
    if (weather_.strange_records && dice_.chance(5)) to.feed_strange_record(dice_);
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

  void storm() {
    switch (dice_.below(20)) {
      case 0:
        if (weather_.kills) restart(some_node(), false);
        break;
      case 1:
        if (weather_.power) restart(some_node(), true);
        break;
      case 2:
        if (weather_.kills) restart_site(false);
        break;
      case 3:
        if (weather_.power) restart_site(true);
        break;
      case 4:
        if (weather_.kills) restart_broker();
        break;
      case 5:
      case 6:
        if (weather_.links) bad_links();
        break;
      case 7:
        if (weather_.links) cut_link();
        break;
      case 8:
        if (weather_.clocks) move_clock();
        break;
      case 9:
        if (weather_.disks) break_disk(some_node().disk());
        break;
      case 10:
        if (weather_.disks) break_disk(site_->disk());
        break;
      case 11:
        if (weather_.spool_back) spool_back();
        break;
      case 12:
        if (weather_.clone) clone();
        break;
      case 13:
        if (weather_.store_back) store_back();
        break;
      case 14:
        if (weather_.flips) flip();
        break;
      case 15:
        // Stops at some changing call: between any two writes of a transaction.
        if (weather_.kills) stop_at_a_write();
        break;
      case 16:
        if (weather_.echoes) say_again(watch_.echo(dice_));
        break;
      case 17:
        if (weather_.echoes) forge();
        break;
      case 18:
        // Stops between two messages of a session: the one's end knows what the other does not.
        if (weather_.kills) stops_at_ = dice_.chance(50) ? "/welcome" : "/challenge";
        break;
      case 19:
        if (weather_.kills) both_stop_ = true;
        break;
      default: break;
    }
  }

  SimNode& some_node() { return weather_.two_nodes && dice_.chance(30) ? *other_ : *node_; }

  /// What somebody said before, or says in the coordinator's name, at any later time.
  void say_again(const std::optional<rt::MqttMessage>& message) {
    if (!message) return;
    world_.schedule(dice_.between(rt::Nanos(0), rt::Nanos(minutes(3))),
                    [this, message = *message] { broker_.inject(message); });
  }

  /// At any time for all that the node holds, or in the place of the answer to what it publishes
  /// next.
  void forge() {
    if (dice_.chance(50)) {
      say_again(watch_.forge_receipt(dice_, site_->key()));
    } else {
      forgeries_left_ = 1 + static_cast<int>(dice_.below(3));
    }
  }

  /// The envelope is lost, and somebody says that its record is stored.
  bool forge_answer(const rt::MqttMessage& envelope) {
    const auto forged = watch_.forge_receipt_for(envelope, dice_, site_->key());
    if (!forged) return false;
    forgeries_left_ -= 1;
    world_.schedule(rt::Millis(1), [this, message = *forged] { broker_.inject(message); });
    return true;
  }

  void restart(SimNode& node, bool power) {
    did(power ? "power cut at the node" : "node killed");
    if (power) {
      node.power_cut();
    } else {
      node.kill();
    }
    world_.schedule(dice_.between(rt::Nanos(rt::Millis(100)), rt::Nanos(minutes(2))),
                    [&node] { node.start(); });
  }

  void restart_site(bool power) {
    did(power ? "power cut at the coordinator" : "coordinator killed");
    if (power) {
      site_->power_cut();
    } else {
      site_->kill();
    }
    look_at_the_dead();
    world_.schedule(dice_.between(rt::Nanos(rt::Millis(100)), rt::Nanos(minutes(2))),
                    [this] { site_->start(); });
  }

  /// Whatever it died in, the data and what is said of it went together [commit-1].
  void look_at_the_dead() {
    if (!at_death_.empty()) return;
    at_death_ = audit_death(site_->disk(), site_->path(), book_);
    if (!at_death_.empty()) did("the dead coordinator's store is wrong");
  }

  void restart_broker() {
    did("broker killed");
    broker_.crash(dice_.chance(50) ? Retained::kWiped : Retained::kKept);
    world_.schedule(dice_.between(rt::Nanos(rt::Millis(50)), rt::Nanos(minutes(1))),
                    [this] { broker_.start(); });
  }

  void bad_links() {
    LinkFaults faults;
    faults.lose_pct = static_cast<int>(dice_.below(30));
    faults.duplicate_pct = static_cast<int>(dice_.below(30));
    faults.reorder_pct = static_cast<int>(dice_.below(30));
    faults.late_most = seconds(30);
    faults.break_pct = static_cast<int>(dice_.below(5));
    faults.delay_most = rt::Millis(static_cast<std::int64_t>(dice_.below(800)) + 1);
    broker_.set_faults(faults);
    world_.schedule(dice_.between(rt::Nanos(seconds(10)), rt::Nanos(minutes(3))),
                    [this] { broker_.set_faults({}); });
  }

  void cut_link() {
    const std::string who = dice_.chance(70) ? node_->client_id() : "fp-lab-_coordinator";
    broker_.set_link(who, dice_.chance(50) ? LinkState::kHalfOpen : LinkState::kReset);
    world_.schedule(dice_.between(rt::Nanos(seconds(5)), rt::Nanos(minutes(5))),
                    [this, who] { broker_.set_link(who, LinkState::kUp); });
  }

  void cut_off(const SimNode& node, rt::Nanos span) {
    did("node cut off");
    broker_.set_link(node.client_id(), LinkState::kReset);
    world_.schedule(span, [this, &node] { broker_.set_link(node.client_id(), LinkState::kUp); });
  }

  void move_clock() {
    SimWallClock& clock = dice_.chance(70) ? node_->clock() : site_->clock();
    switch (dice_.below(4)) {
      case 0: clock.jump(-hours(24 * 365 * 20)); break;
      case 1: clock.jump(hours(24 * 365 * 20)); break;
      case 2: clock.set_offset(-hours(24 * 365 * 56)); break;  // a boot at 1970
      default: clock.set_offset(rt::Nanos(0)); break;
    }
    clock.set_synchronised(dice_.chance(50));
  }

  void break_disk(SimDisk& disk) {
    if (dice_.chance(50)) {
      disk.set_bytes_max(disk.bytes_used() + dice_.below(20'000));
    } else {
      DiskFailure failure;
      failure.answer = dice_.chance(50) ? DiskAnswer::kIo : DiskAnswer::kFull;
      failure.at = 1 + dice_.below(30);
      failure.for_ever = dice_.chance(30);
      if (dice_.chance(30)) {
        failure.calls = static_cast<unsigned>(DiskCall::kSync);
        failure.at = 1 + dice_.below(4);
      }
      disk.fail(failure);
    }
    world_.schedule(dice_.between(rt::Nanos(seconds(1)), rt::Nanos(minutes(2))),
                    [&disk] { disk.heal(); });
  }

  void spool_back() {
    if (!node_->saved() || dice_.chance(50)) {
      did("spool saved");
      node_->save();
      return;
    }
    did("spool set back");
    node_->restore(*node_->saved());
    set_back_ = true;
    world_.schedule(dice_.between(rt::Nanos(rt::Millis(100)), rt::Nanos(minutes(1))),
                    [this] { node_->start(); });
  }

  void clone() {
    did(clone_->running() ? "clone gone" : "clone made");
    if (clone_->running()) {
      clone_->kill();
      return;
    }
    clone_->restore(node_->image());
    clone_->start();
    set_back_ = true;
  }

  void store_back() {
    if (!site_->has_saved() || dice_.chance(50)) {
      did("store saved");
      site_->save();
      return;
    }
    did("store set back");
    store_back_ = true;
    site_->set_back();
  }

  /// Found at once at the next start, or in the midst of things. What is in the WAL has check sums
  /// of its own, so it goes to the file first.
  void rot() {
    if (node_->front() == nullptr) return;
    node_->front()->with_spool(
        [](agent::Spool& spool) { return spool.database().checkpoint(true); },
        [this](rt::Status) {
          did("a bit of the spool's file flips");
          node_->rot(rot_dice_);
          if (rot_dice_.chance(50)) {
            world_.schedule(rt::Nanos(0), [this] { restart(*node_, rot_dice_.chance(30)); });
          }
        });
  }

  void flip() { flips_left_ = 1 + static_cast<int>(dice_.below(3)); }

  /// Sees what is published; flips a bit of some.
  bool tap(const std::string& from, const rt::MqttMessage& message) {
    if (message.topic.find("/up/") == std::string::npos || message.payload.empty()) return true;
    node_->note_envelope(message.payload);  // names tell whose it is
    if (forgeries_left_ > 0 && !from.empty() && forge_answer(message)) return false;
    if (std::exchange(both_stop_, false)) stop_both_at_a_write();
    if (flips_left_ == 0) return true;
    flips_left_ -= 1;
    rt::MqttMessage broken = message;
    broken.payload[static_cast<std::size_t>(dice_.below(broken.payload.size()))] ^= 0x10;
    world_.schedule(rt::Millis(1), [this, broken] { broker_.inject(broken); });
    return false;
  }

  void stop_at_a_write() {
    const bool at_node = dice_.chance(50);
    SimDisk& disk = at_node ? node_->disk() : site_->disk();
    disk.stop_at(1 + dice_.below(25), [this, at_node] {
      world_.schedule(rt::Nanos(0), [this, at_node] {
        if (at_node) {
          restart(*node_, dice_.chance(50));
        } else {
          restart_site(dice_.chance(50));
        }
      });
    });
  }

  /// The coordinator dies while it takes an envelope, and with it the node that sent it: what was
  /// only in the node's memory is nowhere else.
  void stop_both_at_a_write() {
    site_->disk().stop_at(1 + dice_.below(40), [this] {
      world_.schedule(rt::Nanos(0), [this] {
        restart_site(dice_.chance(50));
        restart(*node_, dice_.chance(50));
      });
    });
  }

  void stop_node_at(const rt::MqttMessage& message) {
    if (stops_at_.empty() || message.topic != "fieldpost/v1/lab/n1" + stops_at_) return;
    stops_at_.clear();
    world_.schedule(rt::Nanos(0), [this] { restart(*node_, dice_.chance(50)); });
  }

  void calm() {
    broker_.calm();
    flips_left_ = forgeries_left_ = 0;
    both_stop_ = false;
    stops_at_.clear();
    broker_.set_faults({});
    for (SimDisk* disk : {&node_->disk(), &other_->disk(), &site_->disk(), &clone_->disk()}) {
      disk->heal();
    }
    clone_->kill();
    for (SimNode* node : {node_.get(), other_.get()}) {
      node->clock().set_offset(rt::Nanos(0));
      node->clock().set_synchronised(true);
    }
    site_->clock().set_offset(rt::Nanos(0));
    site_->clock().set_synchronised(true);
    site_->start();
    node_->start();
    if (weather_.two_nodes) other_->start();
    world_.run_for(minutes(2));
    // Two machines were one node: the operator says that the one that is left is the node. Where no
    // disk went back nobody asks him, and what the coordinator thinks stays for the checkers.
    set_back_ = set_back_ || node_->forgot() || clone_->forgot();
    const bool may_alarm = set_back_ || store_back_;
    if (may_alarm && site_->coordinator() != nullptr) {
      site_->coordinator()->release("n1", [](rt::Status) {});
    }
    settled_ = world_.run_until([this] { return idle(); }, hours(2));
    world_.run_for(minutes(1));
    for (const SimNode* node : {node_.get(), other_.get()}) {
      if (node->running()) shed_readings_ += node->shed();
    }
    // The next hello tells the store which hashes nobody needs any more.
    for (const SimNode* node : {node_.get(), other_.get()}) {
      broker_.break_connection(node->client_id());
    }
    world_.run_for(seconds(1));
    settled_ = settled_ && world_.run_until([this] { return idle(); }, minutes(10));
    world_.run_for(minutes(1));
  }

  [[nodiscard]] bool idle() const {
    return site_->running() && node_->idle() && (!weather_.two_nodes || other_->idle());
  }

  RunResult finish() {
    RunResult out;
    out.fed = book_.entries.size();
    const std::string state = node_->describe() + "; " + other_->describe();
    if (!settled_) out.faults.push_back("does not come to rest: " + state);
    if (!over_bound_.empty()) out.faults.push_back(over_bound_);
    out.faults.insert(out.faults.end(), at_death_.begin(), at_death_.end());
    set_back_ = set_back_ || node_->forgot() || clone_->forgot();
    node_->kill();
    other_->kill();
    site_->kill();
    if (site_->disk().is_stopped()) site_->disk().restart_after_kill();
    for (const char* node : {"n1", "n2"}) {
      StoreAudit found = audit(*site_, book_, node, set_back_);
      out.faults.insert(out.faults.end(), found.faults.begin(), found.faults.end());
      out.stored += found.stored;
      out.gapped += found.gapped;
    }
    const auto told = audit_ledger(*site_, watch_, book_,
                                   {set_back_, store_back_, thins_, settled_}, shed_readings_);
    out.faults.insert(out.faults.end(), told.begin(), told.end());
    out.trace_hash = world_.trace_hash();
    out.summary = fmt::format("fed {}, stored {}, in gaps {}; node: {}", out.fed, out.stored,
                              out.gapped, state);
    if (!out.faults.empty() || verbose_) out.summary += story();
    return out;
  }

  /// The logs of all machines, in order of time, and what the weather did.
  std::string story() {
    std::multimap<rt::Nanos, std::string> lines(deeds_.begin(), deeds_.end());
    for (const SimLog* log : {&node_->log(), &clone_->log(), &other_->log(), &site_->log()}) {
      for (const SimLog::Line& line : log->lines()) lines.emplace(line.at, line.text);
    }
    std::string out;
    for (const auto& [at, text] : lines) {
      out += fmt::format("\n    {:>9} ms {}", std::chrono::duration_cast<rt::Millis>(at).count(),
                         text);
    }
    return out;
  }
  void did(std::string what) { deeds_.emplace(world_.now(), "-- " + what); }

  SimWorld world_;
  Weather weather_;
  bool verbose_ = false;
  std::multimap<rt::Nanos, std::string> deeds_;
  Dice dice_;
  Dice rot_dice_ = world_.dice("rot");
  SimBroker broker_;
  Ledgerbook book_;
  std::unique_ptr<SimSite> site_;
  WireWatch watch_;
  std::unique_ptr<SimNode> node_, clone_, other_;
  agent::ShedOptions shed_;
  bool thins_ = false;
  std::uint64_t shed_readings_ = 0;
  std::string over_bound_;
  std::vector<std::string> at_death_;  ///< what was wrong with the store of a coordinator that died
  bool store_back_ = false;            ///< what a receipt said may be forgotten
  bool settled_ = false;
  int flips_left_ = 0;
  int forgeries_left_ = 0;
  bool both_stop_ = false;
  std::string stops_at_;   ///< the next message of this kind that the node is sent
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
  return weather;
}

RunResult run_delivery(std::uint64_t seed, const Weather& weather, bool verbose) {
  return DeliveryRun(seed, weather, verbose).run();
}

}  // namespace fieldpost::sim
