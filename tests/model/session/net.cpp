#include <algorithm>
#include <cstring>

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {
namespace {

bool before(const Message& one, const Message& other) {
  return std::memcmp(&one, &other, sizeof one) < 0;
}

bool obeyable(const Protocol& p, const State& s, const Message& m) {
  const bool session = std::any_of(s.nodes.begin(), s.nodes.end(), [&](const Node& node) {
    return node.up != 0 && node.session != kNoSession && node.nonce == m.nonce;
  });
  switch (m.kind) {
    case kChallenge:
    case kWelcome: return session;
    case kReceipt: return session || !p.rules.rcpt_1_nonce;
    case kAnswer:
      return s.coordinator.up != 0 &&
             (s.coordinator.pending.number == m.number || s.coordinator.older.number == m.number);
    case kNothing: return false;
    case kHello:
    case kRecord: return true;
  }
  return true;
}

void order(State& s) {
  const auto end =
      std::remove_if(s.net.begin(), s.net.end(), [](const Message& m) { return m.kind == 0; });
  std::sort(s.net.begin(), end, before);
  std::fill(end, s.net.end(), Message{});
}

}  // namespace

void send(Protocol& p, State& s, const Message& message) {
  for (Message& slot : s.net) {
    if (slot.kind != kNothing) continue;
    slot = message;
    order(s);
    return;
  }
  p.full = true;
}

void take_off(State& s, int index) {
  s.net[static_cast<std::size_t>(index)] = Message{};
  order(s);
}

void sweep(const Protocol& p, State& s) {
  bool changed = false;
  for (Message& slot : s.net) {
    if (slot.kind == kNothing || obeyable(p, s, slot)) continue;
    slot = Message{};
    changed = true;
  }
  if (changed) order(s);
}

}  // namespace fieldpost::model::session
