#include "tests/model/session/steps.h"

namespace fieldpost::model::session {
namespace {

class List {
 public:
  List(const Protocol& p, const State& s, std::vector<Step>& steps) : p_(p), s_(s), steps_(steps) {}

  void all() {
    for (std::uint8_t machine = 0; machine < 2; ++machine)
      if (s_.nodes[machine].exists != 0) of_node(machine);
    of_spool_images();
    of_coordinator();
    of_store();
    for (std::uint8_t i = 0; i < kMessages && s_.net[i].kind != kNothing; ++i) of_message(i);
  }

 private:
  bool left(Budget budget) const { return s_.budget[budget] > 0; }
  void add(Do what, int x = 0, int y = 0, Verdict wish = kStored) {
    steps_.push_back({what, static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y), wish});
  }
  void add_if(Budget budget, Do what, int x = 0, int y = 0) {
    if (left(budget)) add(what, x, y);
  }

  void of_node(int machine) {
    const Node& node = s_.nodes[static_cast<std::size_t>(machine)];
    if (node.up == 0) {
      add(Do::kStartNode, machine);
      for (int i = 0; i < kRecords; ++i)
        if (on_disk(node.records[static_cast<std::size_t>(i)]) && node.salvaging == 0)
          add_if(kSalvage, Do::kBeginSalvage, machine, i);
      return;
    }
    add_if(kNodeCrash, Do::kCrashNode, machine);
    add_if(kDurable, Do::kAcceptDurable, machine);
    add_if(kSampled, Do::kAcceptSampled, machine);
    add_if(kHellos, Do::kHello, machine);
    if (node.deleting != 0) add(Do::kLateGap, machine);
    if (node.salvaging != 0) add(Do::kFinishSalvage, machine);
    bool memory = false;
    for (int i = 0; i < kRecords; ++i) memory |= of_record(machine, node, i);
    if (memory) add_if(kSpoolWrite, Do::kWriteSpool, machine);
  }

  bool of_record(int machine, const Node& node, int index) {
    const Record& r = node.records[static_cast<std::size_t>(index)];
    if (r.where == kEmpty) return false;
    if (may_publish(p_, node, r)) add_if(kPublish, Do::kPublish, machine, index);
    const bool salvaged = (node.salvaging & inc_bit(inc_of(r.name))) != 0;
    if (r.where == kKept && !salvaged) {
      const bool unanswered = node.session == kWaiting || node.session == kAnswered;
      if (!unanswered || !p_.rules.hello_4) add_if(kEvict, Do::kEvict, machine, index);
      if (node.session == kWelcomed) add_if(kReplay, Do::kReplay, machine, index);
    }
    if ((owed(r) || !p_.rules.shed_2) && !salvaged) losses(machine, node, index);
    return r.where == kMemory;
  }

  void losses(int machine, const Node& node, int index) {
    const Record& r = node.records[static_cast<std::size_t>(index)];
    const bool readings = p_.body(r).items != 0;
    if (readings && node.deleting == 0) add_if(kShed, Do::kShed, machine, index);
    for (int other = 0; other < kRecords; ++other) {
      const Record& o = node.records[static_cast<std::size_t>(other)];
      if (other == index || !owed(o)) continue;
      const bool plain = p_.body(r).gaps == 0 && p_.body(o).gaps == 0;
      if (readings && plain) add_if(kThin, Do::kThin, machine, index * 16 + other);
      if (other > index && !readings && p_.body(o).items == 0)
        add_if(kMerge, Do::kMerge, machine, index * 16 + other);
    }
  }

  void of_spool_images() {
    if (s_.image == 0) {
      add_if(kImage, Do::kTakeImage);
      if (s_.nodes[0].up != 0) add_if(kMemoryImage, Do::kTakeMemoryImage);
      return;
    }
    add_if(kSetBack, Do::kSetBack);
    if (s_.cloned == 0) add_if(kClone, Do::kClone);
  }

  void of_coordinator() {
    if (s_.coordinator.up == 0) {
      add(Do::kStartCoordinator);
      return;
    }
    add_if(kStoreCrash, Do::kCrashCoordinator);
    if (s_.store.dangling != 0) add(Do::kStoreDangling);
    if (s_.store.unconfirmed != 0) add_if(kDeclare, Do::kDeclare);
    if (s_.coordinator.arrived.kind != kNothing) add(Do::kCommit);
    for (int name = 0; name < 32; ++name) {
      if ((s_.store.quarantined & bit(static_cast<Name>(name))) == 0) continue;
      add_if(kReprocess, Do::kReprocess, name, 1);
      add_if(kReprocess, Do::kReprocess, name, 0);
    }
  }

  void of_store() {
    if (s_.store.items != 0) add_if(kDataLoss, Do::kDataLoss);
    if (s_.backup == 0)
      add_if(kBackup, Do::kBackup);
    else
      add_if(kRestore, Do::kRestore);
  }

  void of_message(int index) {
    const Message& m = s_.net[static_cast<std::size_t>(index)];
    if (index > 0 && hash_of(m) == hash_of(s_.net[static_cast<std::size_t>(index - 1)])) return;
    const bool upward = m.kind == kHello || m.kind == kAnswer || m.kind == kRecord;
    if (upward && s_.coordinator.up == 0) return;
    if (m.kind == kRecord && p_.commit_lags() && s_.coordinator.arrived.kind != kNothing) return;
    add(Do::kDeliver, index);
    if (m.kind != kReceipt || p_.rules.rcpt_1_nonce) add_if(kDuplicate, Do::kDeliverTwice, index);
    if (m.kind != kRecord) return;
    if (left(kRefuse)) add(Do::kDeliver, index, 0, kRefused);
    if (left(kQuarantine)) add(Do::kDeliver, index, 0, kQuarantined);
    add_if(kNeeds, Do::kNeed, index);
  }

  const Protocol& p_;
  const State& s_;
  std::vector<Step>& steps_;
};

}  // namespace

void list_steps(const Protocol& p, const State& s, std::vector<Step>& steps) {
  steps.clear();
  List(p, s, steps).all();
}

}  // namespace fieldpost::model::session
