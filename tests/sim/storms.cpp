#include "tests/sim/storms.h"

#include <utility>

#include "tests/sim/ledger_audit.h"

namespace fieldpost::sim {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

void Storms::strike() {
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
      if (weather_.disks) break_disk(field_.site.disk());
      break;
    case 11:
      if (weather_.spool_back) spool_back();
      break;
    case 12:
      if (weather_.clone) clone();
      break;
    case 13:
      if (weather_.store_back) set_store_back();
      break;
    case 14:
      if (weather_.flips) flip();
      break;
    case 15:
      // Stops at some changing call: between any two writes of a transaction.
      if (weather_.kills) stop_at_a_write();
      break;
    case 16:
      if (weather_.echoes) say_again(field_.watch.echo(dice_));
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

SimNode& Storms::some_node() {
  return weather_.two_nodes && dice_.chance(30) ? field_.other : field_.node;
}

/// What somebody said before, or says in the coordinator's name, at any later time.
void Storms::say_again(const std::optional<rt::MqttMessage>& message) {
  if (!message) return;
  field_.world.schedule(dice_.between(rt::Nanos(0), rt::Nanos(minutes(3))),
                        [this, message = *message] { field_.broker.inject(message); });
}

/// At any time for all that the node holds, or in the place of the answer to what it publishes
/// next.
void Storms::forge() {
  if (dice_.chance(50)) {
    say_again(field_.watch.forge_receipt(dice_, field_.site.key()));
  } else {
    forgeries_left_ = 1 + static_cast<int>(dice_.below(3));
  }
}

/// The envelope is lost, and somebody says that its record is stored.
bool Storms::forge_answer(const rt::MqttMessage& envelope) {
  const auto forged = field_.watch.forge_receipt_for(envelope, dice_, field_.site.key());
  if (!forged) return false;
  forgeries_left_ -= 1;
  field_.world.schedule(rt::Millis(1),
                        [this, message = *forged] { field_.broker.inject(message); });
  return true;
}

void Storms::restart(SimNode& node, bool power) {
  field_.did(power ? "power cut at the node" : "node killed");
  if (power) {
    node.power_cut();
  } else {
    node.kill();
  }
  field_.world.schedule(dice_.between(rt::Nanos(rt::Millis(100)), rt::Nanos(minutes(2))),
                        [&node] { node.start(); });
}

void Storms::restart_site(bool power) {
  field_.did(power ? "power cut at the coordinator" : "coordinator killed");
  if (power) {
    field_.site.power_cut();
  } else {
    field_.site.kill();
  }
  look_at_the_dead();
  field_.world.schedule(dice_.between(rt::Nanos(rt::Millis(100)), rt::Nanos(minutes(2))),
                        [this] { field_.site.start(); });
}

/// Whatever it died in, the data and what is said of it went together [commit-1].
void Storms::look_at_the_dead() {
  if (!at_death_.empty()) return;
  at_death_ = audit_death(field_.site.disk(), field_.site.path(), field_.book);
  if (!at_death_.empty()) field_.did("the dead coordinator's store is wrong");
}

void Storms::restart_broker() {
  field_.did("broker killed");
  field_.broker.crash(dice_.chance(50) ? Retained::kWiped : Retained::kKept);
  field_.world.schedule(dice_.between(rt::Nanos(rt::Millis(50)), rt::Nanos(minutes(1))),
                        [this] { field_.broker.start(); });
}

void Storms::bad_links() {
  LinkFaults faults;
  faults.lose_pct = static_cast<int>(dice_.below(30));
  faults.duplicate_pct = static_cast<int>(dice_.below(30));
  faults.reorder_pct = static_cast<int>(dice_.below(30));
  faults.late_most = seconds(30);
  faults.break_pct = static_cast<int>(dice_.below(5));
  faults.delay_most = rt::Millis(static_cast<std::int64_t>(dice_.below(800)) + 1);
  field_.broker.set_faults(faults);
  field_.world.schedule(dice_.between(rt::Nanos(seconds(10)), rt::Nanos(minutes(3))),
                        [this] { field_.broker.set_faults({}); });
}

void Storms::cut_link() {
  const std::string who = dice_.chance(70) ? field_.node.client_id() : "fp-lab-_coordinator";
  field_.broker.set_link(who, dice_.chance(50) ? LinkState::kHalfOpen : LinkState::kReset);
  field_.world.schedule(dice_.between(rt::Nanos(seconds(5)), rt::Nanos(minutes(5))),
                        [this, who] { field_.broker.set_link(who, LinkState::kUp); });
}

void Storms::cut_off(const SimNode& node, rt::Nanos span) {
  field_.did("node cut off");
  field_.broker.set_link(node.client_id(), LinkState::kReset);
  field_.world.schedule(
      span, [this, &node] { field_.broker.set_link(node.client_id(), LinkState::kUp); });
}

void Storms::move_clock() {
  SimWallClock& clock = dice_.chance(70) ? field_.node.clock() : field_.site.clock();
  switch (dice_.below(4)) {
    case 0: clock.jump(-hours(24 * 365 * 20)); break;
    case 1: clock.jump(hours(24 * 365 * 20)); break;
    case 2: clock.set_offset(-hours(24 * 365 * 56)); break;  // a boot at 1970
    default: clock.set_offset(rt::Nanos(0)); break;
  }
  clock.set_synchronised(dice_.chance(50));
}

void Storms::break_disk(SimDisk& disk) {
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
  field_.world.schedule(dice_.between(rt::Nanos(seconds(1)), rt::Nanos(minutes(2))),
                        [&disk] { disk.heal(); });
}

void Storms::spool_back() {
  if (!field_.node.saved() || dice_.chance(50)) {
    field_.did("spool saved");
    field_.node.save();
    return;
  }
  field_.did("spool set back");
  field_.node.restore(*field_.node.saved());
  set_back_ = true;
  field_.world.schedule(dice_.between(rt::Nanos(rt::Millis(100)), rt::Nanos(minutes(1))),
                        [this] { field_.node.start(); });
}

void Storms::clone() {
  field_.did(field_.clone.running() ? "clone gone" : "clone made");
  if (field_.clone.running()) {
    field_.clone.kill();
    return;
  }
  field_.clone.restore(field_.node.image());
  field_.clone.start();
  set_back_ = true;
}

void Storms::set_store_back() {
  if (!field_.site.has_saved() || dice_.chance(50)) {
    field_.did("store saved");
    field_.site.save();
    return;
  }
  field_.did("store set back");
  store_back_ = true;
  field_.site.set_back();
}

/// Found at once at the next start, or in the midst of things. What is in the WAL has check sums
/// of its own, so it goes to the file first.
void Storms::rot() {
  if (field_.node.front() == nullptr) return;
  field_.node.front()->with_spool(
      [](agent::Spool& spool) { return spool.database().checkpoint(true); },
      [this](rt::Status) {
        field_.did("a bit of the spool's file flips");
        field_.node.rot(rot_dice_);
        if (rot_dice_.chance(50)) {
          field_.world.schedule(rt::Nanos(0),
                                [this] { restart(field_.node, rot_dice_.chance(30)); });
        }
      });
}

/// In records; in hellos, from which most is concluded; or in anything else.
void Storms::flip() {
  constexpr const char* kWhere[] = {"/up/", "/hello", ""};
  flips_left_ = 1 + static_cast<int>(dice_.below(3));
  flips_in_ = kWhere[dice_.below(3)];
}

/// Sees what is published; flips a bit of some.
bool Storms::tap(const std::string& from, const rt::MqttMessage& message) {
  stop_node_at(message);
  if (message.payload.empty()) return true;
  const bool is_record = message.topic.find("/up/") != std::string::npos;
  if (is_record) {
    field_.node.note_envelope(message.payload);  // names tell whose it is
    if (forgeries_left_ > 0 && !from.empty() && forge_answer(message)) return false;
    if (std::exchange(both_stop_, false)) stop_both_at_a_write();
  }
  const bool is_there =
      flips_in_.empty() ? !is_record : message.topic.find(flips_in_) != std::string::npos;
  if (flips_left_ == 0 || !is_there) return true;
  flips_left_ -= 1;
  rt::MqttMessage broken = message;
  broken.payload[static_cast<std::size_t>(dice_.below(broken.payload.size()))] ^=
      static_cast<char>(1 << dice_.below(8));
  field_.world.schedule(rt::Millis(1), [this, broken] { field_.broker.inject(broken); });
  return false;
}

void Storms::stop_at_a_write() {
  const bool at_node = dice_.chance(50);
  SimDisk& disk = at_node ? field_.node.disk() : field_.site.disk();
  disk.stop_at(1 + dice_.below(25), [this, at_node] {
    field_.world.schedule(rt::Nanos(0), [this, at_node] {
      if (at_node) {
        restart(field_.node, dice_.chance(50));
      } else {
        restart_site(dice_.chance(50));
      }
    });
  });
}

/// The coordinator dies while it takes an envelope, and with it the node that sent it: what was
/// only in the node's memory is nowhere else.
void Storms::stop_both_at_a_write() {
  field_.site.disk().stop_at(1 + dice_.below(40), [this] {
    field_.world.schedule(rt::Nanos(0), [this] {
      restart_site(dice_.chance(50));
      restart(field_.node, dice_.chance(50));
    });
  });
}

void Storms::stop_node_at(const rt::MqttMessage& message) {
  if (stops_at_.empty() || message.topic != "fieldpost/v1/lab/n1" + stops_at_) return;
  stops_at_.clear();
  field_.world.schedule(rt::Nanos(0), [this] { restart(field_.node, dice_.chance(50)); });
}

void Storms::end() {
  flips_left_ = forgeries_left_ = 0;
  both_stop_ = false;
  stops_at_.clear();
  field_.broker.calm();
  field_.broker.set_faults({});
  for (SimDisk* disk :
       {&field_.node.disk(), &field_.other.disk(), &field_.site.disk(), &field_.clone.disk()}) {
    disk->heal();
  }
}

}  // namespace fieldpost::sim
