// Hello, challenge, conclusion and welcome at the coordinator.
#include <bit>

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {

void take_record(Protocol& p, State& s, const Message& m, Verdict wish);

namespace {

Incs chain_of(const State& s, Inc live) {
  Incs chain = 0;
  for (Inc inc = live; inc != kNone; inc = s.parent[inc]) chain |= inc_bit(inc);
  return chain;
}

/// [back-1] … [back-3]; false: this machine is not welcomed.
bool follow_branch(const Protocol& p, State& s, const Message& hello) {
  Store& store = s.store;
  const Incs chain = chain_of(s, hello.subject);
  const bool returned = (store.left_behind & inc_bit(hello.subject)) != 0;
  if (p.rules.back_3 && (returned || store.changes >= 3)) return false;
  store.left_behind &= static_cast<Incs>(~chain);
  if (store.last_live != kNone && (chain & inc_bit(store.last_live)) == 0) {
    ++store.changes;
    store.left_behind |= static_cast<Incs>(store.incs & ~chain & ~hello.detail);
    if (p.rules.back_3 && store.changes >= 3) return false;
  }
  store.last_live = hello.subject;
  store.incs |= hello.detail;
  return true;
}

/// [wel-1]
void settle_lost(const Protocol& p, State& s, const Message& hello) {
  Store& store = s.store;
  const Names safe = settled(store) | (p.rules.wel_1_held ? hello.b | hello.c : 0);
  Names lost = (store.known | hello.a) & names_in(hello.detail) & ~safe;
  if (!p.rules.wel_1) lost = 0;
  store.known |= hello.a;
  store.gapped |= lost;
  store.unknown |= lost;
  if (p.rules.back_1_held) store.unconfirmed &= ~(hello.b | hello.c);
  store.unconfirmed &= ~settled(store);
  if (p.rules.back_1)
    store.unconfirmed |= store.known & names_in(store.left_behind) & ~settled(store);
  if (s.coordinator.arrived.kind != kNothing && (lost & bit(s.coordinator.arrived.subject)) != 0)
    s.overtaken = 1;
}

/// A hello says of every name that it does not state as held what `marked` says.
void forget_hashes(State& s, const Message& hello) {
  const Names gone = names_in(hello.detail) & hello.a & ~hello.b;
  for (Name n = 0; n < 32; ++n)
    if ((gone & ~(s.store.quarantined | s.store.dangling) & bit(n)) != 0) s.store.hash[n] = 0;
}

/// Seqs of the live incarnation that were used before and that the hello does not know of.
std::uint8_t used_above(const Names known, const Message& hello) {
  const Names above = known & ~hello.a & names_of(hello.subject);
  return static_cast<std::uint8_t>(above >> (kSeqs * hello.subject));
}

Message welcome_to(Protocol& p, const State& s, const Message& hello) {
  const Store& store = s.store;
  Message welcome{};
  welcome.kind = kWelcome;
  welcome.nonce = hello.nonce;
  welcome.number = s.coordinator.generation;
  welcome.subject = hello.subject;
  welcome.detail = p.rules.wel_7 ? used_above(store.known, hello) : std::uint8_t{0};
  welcome.b = hello.c & ~settled(store);
  if (!p.rules.wel_2_verdicts) return welcome;
  welcome.a = hello.b & store.gapped;
  const Names named = hello.b & ~store.gapped & (store.stored | store.quarantined);
  std::size_t count = 0;
  for (Name n = 0; n < 32; ++n) {
    if ((named & bit(n)) == 0 || store.hash[n] == 0) continue;
    (store.stored & bit(n) ? welcome.c : welcome.d) |= bit(n);
    if (count == kHashes)
      p.full = true;
    else
      welcome.hashes[count++] = store.hash[n];
  }
  return welcome;
}

void note_welcome(State& s, const Message& hello) {
  const auto machine = static_cast<std::uint8_t>(s.nodes[1].nonce == hello.nonce ? 2 : 1);
  if (s.last_welcomed != 0 && s.last_welcomed != machine) ++s.alternations;
  s.last_welcomed = machine;
}

void conclude(Protocol& p, State& s, const Message& hello) {
  if (p.rules.wel_3) commit_arrived(p, s, kStored);
  if (!follow_branch(p, s, hello)) return;
  settle_lost(p, s, hello);
  s.coordinator.nonce = hello.nonce;
  if (s.cloned != 0) note_welcome(s, hello);
  send(p, s, welcome_to(p, s, hello));
  forget_hashes(s, hello);
}

void take_hello(Protocol& p, State& s, const Message& hello) {
  Coordinator& c = s.coordinator;
  if (!p.rules.chal_1) {
    conclude(p, s, hello);
    return;
  }
  if (!p.rules.chal_2) c.older = c.pending;
  c.pending = hello;
  if (p.rules.chal_1_fresh) ++c.number;
  c.pending.number = static_cast<std::uint8_t>(c.generation * 32 + c.number);
  if (c.number > 31) p.full = true;
  Message challenge{};
  challenge.kind = kChallenge;
  challenge.nonce = hello.nonce;
  challenge.number = c.pending.number;
  send(p, s, challenge);
}

void take_answer(Protocol& p, State& s, const Message& answer) {
  for (Message* waiting : {&s.coordinator.pending, &s.coordinator.older}) {
    if (waiting->kind != kHello || waiting->number != answer.number) continue;
    const Message hello = *waiting;
    *waiting = Message{};
    conclude(p, s, hello);
    return;
  }
}

}  // namespace

void start_coordinator(Protocol& p, State& s) {
  s.coordinator = Coordinator{};
  s.coordinator.up = 1;
  s.coordinator.generation = ++s.generations;
  if (s.generations > 7) p.full = true;
}

void crash_coordinator(State& s) {
  s.coordinator = Coordinator{};
  s.store.dangling = 0;
}

void coordinator_takes(Protocol& p, State& s, const Message& message, Verdict wish) {
  if (message.kind == kHello) take_hello(p, s, message);
  if (message.kind == kAnswer) take_answer(p, s, message);
  if (message.kind == kRecord) take_record(p, s, message, wish);
  sweep(p, s);
}

}  // namespace fieldpost::model::session
