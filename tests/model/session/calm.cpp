#include "tests/model/session/calm.h"

#include "tests/model/session/node_records.h"

namespace fieldpost::model::session {
namespace {

constexpr int kRoundsMax = 12;
constexpr int kHellosMax = 4;

void deliver_first(Protocol& p, State& s, int index) {
  const Message m = s.net[static_cast<std::size_t>(index)];
  take_off(s, index);
  if (m.kind == kHello || m.kind == kAnswer || m.kind == kRecord)
    coordinator_takes(p, s, m, kStored);
  else
    node_takes(p, s, m);
  commit_arrived(p, s, kStored);
  store_dangling(p, s);
}

void drain(Protocol& p, State& s) {
  while (s.net[0].kind != kNothing) deliver_first(p, s, 0);
}

bool in_session(const Protocol& p, const State& s, const Node& node) {
  return node.session == kWelcomed &&
         (node.generation == s.coordinator.generation || !p.rules.wel_5);
}

bool idle(const Node& node) {
  for (const Record& r : node.records)
    if (owed(r)) return false;
  return true;
}

void retire(State& s, int machine, const Protocol& p) {
  Node& node = node_of(s, machine);
  s.lost_back |= items_on(p, node);
  s.may_lose |= items_on(p, node);
  const Names names = names_in(node.incs) & ~names_in(node_of(s, 1 - machine).incs);
  const Names lost = names & s.store.known & ~settled(s.store) & ~s.store.unconfirmed;
  s.store.gapped |= lost;
  s.store.unknown |= lost;
  node = Node{};
}

/// True when this machine has nothing left to do.
bool settle_down(Protocol& p, State& s, int machine, int& hellos) {
  Node& node = node_of(s, machine);
  if (node.exists == 0) return true;
  if (!in_session(p, s, node)) {
    if (hellos++ == kHellosMax) {
      if (s.cloned != 0) retire(s, machine, p);
      return true;
    }
    say_hello(p, s, machine);
    return false;
  }
  write_spool(s, machine);
  for (int i = 0; i < kRecords; ++i)
    if (may_publish(p, node, node.records[static_cast<std::size_t>(i)]))
      publish(p, s, machine, i, false);
  return idle(node);
}

void everybody_up(Protocol& p, State& s) {
  if (s.coordinator.up == 0) start_coordinator(p, s);
  store_dangling(p, s);
  commit_arrived(p, s, kStored);
  for (int machine = 0; machine < 2; ++machine) {
    Node& node = node_of(s, machine);
    if (node.exists == 0) continue;
    if (node.up == 0) start_node(p, s, machine);
    if (node.salvaging != 0) finish_salvage(p, s, machine);
    if (node.deleting != 0) write_late_gap(p, s, machine);
  }
}

}  // namespace

void calm(Protocol& p, State& s, Late late) {
  if (late == Late::kLost) s.net = {};
  everybody_up(p, s);
  int hellos[2] = {0, 0};
  for (int round = 0; round < kRoundsMax; ++round) {
    drain(p, s);
    const bool first = settle_down(p, s, 0, hellos[0]);
    const bool second = settle_down(p, s, 1, hellos[1]);
    if (first && second && s.net[0].kind == kNothing) return;
  }
}

void finish_session(Protocol& p, State& s, int machine) {
  const std::uint8_t nonce = node_of(s, machine).nonce;
  if (s.coordinator.up == 0 || nonce == 0) return;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < kMessages && !moved; ++i) {
      const Message& m = s.net[static_cast<std::size_t>(i)];
      const bool session =
          m.kind == kHello || m.kind == kChallenge || m.kind == kAnswer || m.kind == kWelcome;
      if (!session || m.nonce != nonce) continue;
      deliver_first(p, s, i);
      moved = true;
    }
  }
}

}  // namespace fieldpost::model::session
