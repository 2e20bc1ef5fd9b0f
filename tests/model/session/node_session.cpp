#include <bit>

#include "tests/model/session/node_records.h"

namespace fieldpost::model::session {
namespace {

/// The place of a name's hash among those that a welcome lists.
std::size_t hash_index(const Message& welcome, Name name) {
  return static_cast<std::size_t>(std::popcount((welcome.c | welcome.d) & (bit(name) - 1)));
}

void delivered(const Protocol& p, State& s, Node& node, Record& r) {
  node.marks |= bit(r.name);
  if (r.where == kHeld && p.rules.rcpt_2_kept) {
    r.where = kKept;
    return;
  }
  if (r.where == kHeld) s.deleted |= p.body(r).items;
  r = Record{};
}

void forgotten(Node& node, Record& r) {
  node.marks |= bit(r.name);
  r = Record{};
}

/// [commit-4], for all records that meet it in one message.
void rename(Protocol& p, State& s, Node& node, Names names) {
  s.conflicts = 1;
  if (p.rules.commit_4_closes) {
    draw_incarnation(p, s, node);
    commit_incarnation(node);
  }
  for (std::size_t i = 0; i < kRecords; ++i) {
    Record& r = node.records[i];
    if (!owed(r) || (names & bit(r.name)) == 0) continue;
    names &= ~bit(r.name);
    const Body body = p.body(r);
    r = Record{};
    put_in_order(node);
    if (p.rules.commit_4) add_record(p, s, node, body, kHeld);
    i = static_cast<std::size_t>(-1);
  }
  if (!p.rules.commit_4_hello) return;
  node.session = kNoSession;
  node.nonce = 0;
}

/// What a verdict does to one record; true: it has to be renamed.
bool obey(Protocol& p, State& s, Node& node, Record& r, Verdict verdict) {
  switch (verdict) {
    case kStored: delivered(p, s, node, r); return false;
    case kQuarantined: forgotten(node, r); return false;
    case kGapped:
    case kRefused:
      if (p.rules.rcpt_2_dropped) drop_record(p, s, node, r);
      return false;
    case kConflict: return true;
  }
  return false;
}

void take_verdict(Protocol& p, State& s, Node& node, Name name, Verdict verdict) {
  for (Record& r : node.records) {
    if (!owed(r) || r.name != name) continue;
    if (obey(p, s, node, r, verdict)) rename(p, s, node, bit(name));
    break;
  }
  put_in_order(node);
}

Verdict welcomed_as(const Protocol& p, const Message& welcome, const Record& r) {
  if (welcome.a & bit(r.name)) return kGapped;
  const bool quarantined = (welcome.d & bit(r.name)) != 0;
  const bool compare = quarantined ? p.rules.wel_2_quarantined : p.rules.wel_2_hash;
  const BodyId hash = welcome.hashes[hash_index(welcome, r.name)];
  if (compare && hash != r.body) return kConflict;
  return quarantined ? kQuarantined : kStored;
}

void take_welcome(Protocol& p, State& s, Node& node, const Message& welcome) {
  node.session = kWelcomed;
  node.generation = welcome.number;
  const Names told = welcome.a | welcome.c | welcome.d;
  Names conflicts = 0;
  const auto before = node.records;
  for (const Record& r : before) {
    if (!owed(r) || (told & bit(r.name)) == 0) continue;
    const Verdict verdict = welcomed_as(p, welcome, r);
    if (verdict == kConflict)
      conflicts |= bit(r.name);
    else
      take_verdict(p, s, node, r.name, verdict);
  }
  for (Record& r : node.records)
    if (r.where == kKept && (welcome.b & bit(r.name)) != 0 && p.rules.wel_4) r.where = kHeld;
  conflicts |= Names{welcome.detail} << (kSeqs * welcome.subject);
  if (conflicts != 0) rename(p, s, node, conflicts);
}

void take_challenge(Protocol& p, State& s, Node& node, const Message& challenge) {
  if (node.session != kWaiting && p.rules.chal_1_once) return;
  if (node.session == kWaiting) node.session = kAnswered;
  Message answer{};
  answer.kind = kAnswer;
  answer.nonce = challenge.nonce;
  answer.number = challenge.number;
  send(p, s, answer);
}

bool receipt_counts(const Protocol& p, const Node& node, const Message& receipt) {
  if (node.up == 0) return false;
  if (p.rules.rcpt_1_nonce && (node.session != kWelcomed || node.nonce != receipt.nonce))
    return false;
  return !p.rules.rcpt_1_generation || node.generation == receipt.number;
}

}  // namespace

void node_takes(Protocol& p, State& s, const Message& message) {
  for (Node& node : s.nodes) {
    const bool mine = node.up != 0 && node.session != kNoSession && node.nonce == message.nonce;
    if (message.kind == kReceipt && receipt_counts(p, node, message))
      take_verdict(p, s, node, message.subject, static_cast<Verdict>(message.detail));
    else if (message.kind == kChallenge && mine)
      take_challenge(p, s, node, message);
    else if (message.kind == kWelcome && mine &&
             (node.session == kAnswered || (node.session == kWaiting && !p.rules.chal_1)))
      take_welcome(p, s, node, message);
  }
  sweep(p, s);
}

}  // namespace fieldpost::model::session
