// Records at the coordinator: commit, verdict, receipt.
#include <optional>

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {
namespace {

void store_items(const Protocol& p, State& s, const Body& body, Name name, bool by_key) {
  for (std::size_t item = 0; item < kItems; ++item) {
    const Items one = static_cast<Items>(1u << item);
    if ((body.items & one) == 0) continue;
    const Names ever = s.names[item];
    const bool first = p.rules.name_6_first;
    Name rank = name;
    for (Name n = 0; first && n < 32; ++n) {
      if ((ever & bit(n)) == 0) continue;
      rank = n;
      break;
    }
    if (body.account != kNone && p.rules.commit_9 && (s.store.own & bit(body.account)) != 0)
      s.store.zero |= bit(body.account);
    if ((s.store.items & one) != 0 && (!by_key || s.store.key[item] != rank)) s.store.twice |= one;
    s.store.items |= one;
    s.store.key[item] = rank;
  }
}

void take_gap(const Protocol& p, State& s, const Body& body) {
  Store& store = s.store;
  const Names fresh = body.gaps & ~(p.rules.commit_5_settled ? settled(store) : 0);
  store.gapped |= fresh;
  store.zero |= fresh & body.zero;
  if (p.rules.commit_7_number && body.account != kNone)
    store.zero |= store.quarantined & bit(body.account);
  if (body.unknown != 0) store.unknown |= fresh;
  store.known |= body.gaps;
  store.unconfirmed &= ~body.gaps;
}

Verdict verdict_again(const Protocol& p, const Store& store, Name name, BodyId body) {
  if (store.gapped & bit(name)) return kGapped;
  const bool quarantined = (store.quarantined & bit(name)) != 0;
  const Verdict same = quarantined ? kQuarantined : kStored;
  if (quarantined && !p.rules.wel_2_quarantined) return same;
  if (store.hash[name] == 0) return p.rules.commit_2_gone ? kConflict : same;
  return store.hash[name] == body || !p.rules.commit_2_differs ? same : kConflict;
}

/// The coordinator's own gap for a record. A thinned reading that is stored under the name in which
/// it was accepted is not lost with the record that carries it again.
void count_lost(const Protocol& p, Store& store, Name name, const Body& body) {
  store.gapped |= bit(name);
  const bool there =
      p.rules.commit_7_there && body.account != kNone && (store.stored & bit(body.account)) != 0;
  if (body.items == 0 || there) store.zero |= bit(name);
  if ((store.zero & bit(name)) == 0) store.own |= bit(name);
}

void settle_fresh(const Protocol& p, State& s, const Message& m, Verdict wish) {
  Store& store = s.store;
  const Body& body = p.bodies[m.body];
  store.unconfirmed &= ~bit(m.subject);
  if (wish == kRefused) {
    take_gap(p, s, body);
    if (p.rules.commit_6) count_lost(p, store, m.subject, body);
    s.may_lose |= body.items;
    return;
  }
  store.hash[m.subject] = p.rules.commit_3 ? m.body : BodyId{0};
  if (wish == kQuarantined) {
    store.quarantined |= bit(m.subject);
    if (p.rules.env_5_gaps) take_gap(p, s, body);
    return;
  }
  store.stored |= bit(m.subject);
  if (!p.rules.commit_1_name) {
    store.dangling |= bit(m.subject);
    return;
  }
  store_items(p, s, body, m.subject, true);
  take_gap(p, s, body);
}

void replay(const Protocol& p, State& s, const Message& m) {
  const bool stored = (s.store.stored & bit(m.subject)) != 0;
  if (!stored && p.rules.commit_8_gapped) return;
  store_items(p, s, p.bodies[m.body], m.subject, p.rules.commit_8_key);
}

bool is_settled(const Protocol& p, const Store& store, Name name) {
  const bool late = (store.gapped & bit(name)) != 0 && !p.rules.commit_5_after;
  return (settled(store) & bit(name)) != 0 && !late;
}

void commit(const Protocol& p, State& s, const Message& m, Verdict wish) {
  const bool in_session = m.nonce == s.coordinator.nonce || !p.rules.commit_3_session;
  s.store.known |= bit(m.subject);
  if (!is_settled(p, s.store, m.subject))
    settle_fresh(p, s, m, wish);
  else if (m.detail != 0)
    replay(p, s, m);
  for (Name n = 0; n < 32 && in_session; ++n)
    if ((m.a & ~(s.store.quarantined | s.store.dangling) & bit(n)) != 0) s.store.hash[n] = 0;
}

/// What the receipt of an envelope will say; nullopt: without [commit-2] there is none.
std::optional<Verdict> verdict_on(const Protocol& p, const Store& store, const Message& m,
                                  Verdict wish) {
  if ((settled(store) & bit(m.subject)) != 0 && !p.rules.commit_2_again) return std::nullopt;
  return is_settled(p, store, m.subject) ? verdict_again(p, store, m.subject, m.body) : wish;
}

void give_receipt(Protocol& p, State& s, const Message& m, std::optional<Verdict> verdict) {
  if (!verdict || s.coordinator.nonce == 0) return;
  Message receipt{};
  receipt.kind = kReceipt;
  receipt.nonce = p.rules.rcpt_1_envelope ? m.nonce : s.coordinator.nonce;
  receipt.number = s.coordinator.generation;
  receipt.subject = m.subject;
  receipt.detail = *verdict;
  send(p, s, receipt);
}

void ingest(Protocol& p, State& s, const Message& m, Verdict wish) {
  const auto verdict = verdict_on(p, s.store, m, wish);
  commit(p, s, m, wish);
  if (p.rules.commit_1_receipt) give_receipt(p, s, m, verdict);
}

}  // namespace

void take_record(Protocol& p, State& s, const Message& m, Verdict wish) {
  if (!p.commit_lags()) {
    ingest(p, s, m, wish);
    return;
  }
  if (s.coordinator.arrived.kind != kNothing) p.full = true;
  if (!p.rules.commit_1_receipt) give_receipt(p, s, m, verdict_on(p, s.store, m, wish));
  if (!p.rules.commit_1_data && !is_settled(p, s.store, m.subject))
    store_items(p, s, p.bodies[m.body], m.subject, true);
  s.coordinator.arrived = m;
}

void commit_arrived(Protocol& p, State& s, Verdict wish) {
  const Message m = s.coordinator.arrived;
  if (m.kind == kNothing) return;
  s.coordinator.arrived = Message{};
  ingest(p, s, m, wish);
  sweep(p, s);
}

void reprocess(Protocol& p, State& s, Name name, bool understood) {
  Store& store = s.store;
  const BodyId body = store.hash[name];
  store.quarantined &= ~bit(name);
  if (!understood) {
    count_lost(p, store, name, p.bodies[body]);
    s.may_lose |= p.bodies[body].items;
    return;
  }
  store.stored |= bit(name);
  if (p.rules.commit_7)
    store_items(p, s, p.bodies[body], name, true);
  else
    store.dangling |= bit(name);
}

void store_dangling(Protocol& p, State& s) {
  for (Name n = 0; n < 32 && s.store.dangling != 0; ++n) {
    if ((s.store.dangling & bit(n)) == 0) continue;
    s.store.dangling &= ~bit(n);
    store_items(p, s, p.bodies[s.store.hash[n]], n, true);
    take_gap(p, s, p.bodies[s.store.hash[n]]);
  }
}

void declare_left_behind(State& s) {
  Store& store = s.store;
  const Node& node = s.nodes[0];
  Names stated = 0;  // held by a node that said so in the session it has
  for (const Record& r : node.records)
    if (node.session == kWelcomed && node.nonce == s.coordinator.nonce && owed(r))
      stated |= bit(r.name);
  for (std::size_t item = 0; item < kItems; ++item)
    if ((s.names[item] & store.unconfirmed & ~stated) != 0)
      s.may_lose |= static_cast<Items>(1u << item);
  store.gapped |= store.unconfirmed;
  store.unknown |= store.unconfirmed;
  store.unconfirmed = 0;
}

}  // namespace fieldpost::model::session
