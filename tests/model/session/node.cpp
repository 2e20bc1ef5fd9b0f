#include <algorithm>
#include <bit>

#include "tests/model/session/node_records.h"

namespace fieldpost::model::session {

Names names_owed(const Protocol& p, const Node& node) {
  Names names = 0;
  for (const Record& r : node.records) {
    if ((node.salvaging & inc_bit(inc_of(r.name))) != 0) continue;
    if (r.where == kHeld || (r.where == kMemory && p.rules.hello_3_memory)) names |= bit(r.name);
    if (owed(r) && p.rules.hello_3_gap) names |= p.body(r).gaps;
  }
  if (p.rules.hello_3_salvage) names |= names_in(node.salvaging);
  return names;
}

Names names_kept(const Node& node) {
  Names names = 0;
  for (const Record& r : node.records)
    if (r.where == kKept && (node.salvaging & inc_bit(inc_of(r.name))) == 0) names |= bit(r.name);
  return names;
}

Items items_on(const Protocol& p, const Node& node) {
  Items items = 0;
  for (const Record& r : node.records)
    if (r.where != kEmpty) items |= p.body(r).items;
  return items;
}

namespace {

/// Only without [name-1] or [name-4]: the process goes on in the incarnation of the one before it,
/// with its next seq (on disk, as if each were leased alone) or with the next that the disk lacks.
void go_on(const Protocol& p, Node& node) {
  node.live = node.newest;
  if (!p.rules.name_1)
    node.given = static_cast<std::uint8_t>(std::popcount(node.stated & names_of(node.live)));
}

}  // namespace

void start_node(Protocol& p, State& s, int machine) {
  Node& node = node_of(s, machine);
  node.up = 1;
  if (node.newest != kNone && (!p.rules.name_1 || !p.rules.name_4)) {
    go_on(p, node);
    return;
  }
  draw_incarnation(p, s, node);
  if (p.rules.name_3) commit_incarnation(node);
}

void crash_node(Protocol& p, State& s, int machine) {
  Node& node = node_of(s, machine);
  for (Record& r : node.records) {
    if (r.where != kMemory) continue;
    s.may_lose |= p.body(r).items;
    r = Record{};
  }
  put_in_order(node);
  node.up = node.nonce = node.generation = 0;
  if (p.rules.name_4) node.given = 0;
  node.live = kNone;
  node.session = kNoSession;
  node.marks = 0;
  node.deleting = 0;
  sweep(p, s);
}

void accept(Protocol& p, State& s, int machine, bool durable) {
  if (s.accepted >= kItems) {
    p.full = true;
    return;
  }
  Node& node = node_of(s, machine);
  const Items item = static_cast<Items>(1u << s.accepted++);
  if (durable) s.durable |= item;
  if ((s.travelled & kProcessBack) != 0 && node.session != kWelcomed) s.exposed |= item;
  add_record(p, s, node, Body{0, 0, item, kNone, 0, 0}, durable ? kHeld : kMemory);
}

void write_spool(State& s, int machine) {
  Node& node = node_of(s, machine);
  for (Record& r : node.records)
    if (r.where == kMemory) put_on_disk(node, r);
  put_in_order(node);
}

void say_hello(Protocol& p, State& s, int machine) {
  Node& node = node_of(s, machine);
  node.session = kWaiting;
  if (p.rules.commit_3_session) node.marks = 0;
  if (p.rules.hello_1 || node.nonce == 0) node.nonce = ++s.nonces;
  Message hello{};
  hello.kind = kHello;
  hello.nonce = node.nonce;
  hello.subject = node.live;
  const Incs closed = p.rules.hello_2_all ? node.incs : Incs{0};
  hello.detail = static_cast<std::uint8_t>(closed | inc_bit(node.live));
  hello.a = (node.stated & names_in(closed)) | names_of(node.live, node.given);
  hello.b = names_owed(p, node);
  hello.c = p.rules.hello_2_kept ? names_kept(node) : 0;
  sweep(p, s);
  send(p, s, hello);
}

bool may_publish(const Protocol& p, const Node& node, const Record& record) {
  if (node.up == 0 || !owed(record)) return false;
  if ((node.salvaging & inc_bit(inc_of(record.name))) != 0) return false;
  return node.session == kWelcomed || !p.rules.wel_6;
}

void publish(Protocol& p, State& s, int machine, int index, bool replay) {
  Node& node = node_of(s, machine);
  Record& record = node.records[static_cast<std::size_t>(index)];
  Message envelope{};
  envelope.kind = kRecord;
  envelope.nonce = node.nonce;
  envelope.subject = record.name;
  envelope.detail = replay ? 1 : 0;
  envelope.body = record.body;
  envelope.a = node.marks;
  node.marks = 0;
  send(p, s, envelope);
  if (p.rules.topic_4 || replay) return;
  record = Record{};
  put_in_order(node);
}

void evict(Protocol& p, State& s, int machine, int index) {
  Node& node = node_of(s, machine);
  Record& record = node.records[static_cast<std::size_t>(index)];
  s.may_lose |= static_cast<Items>(p.body(record).items & ~s.store.items);
  record = Record{};
  put_in_order(node);
}

}  // namespace fieldpost::model::session
