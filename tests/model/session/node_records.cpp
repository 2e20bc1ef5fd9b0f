#include "tests/model/session/node_records.h"

#include <algorithm>

namespace fieldpost::model::session {

void put_in_order(Node& node) {
  const auto key = [](const Record& r) {
    return r.where == kEmpty ? 0xFFFF : r.name * 256 + r.body;
  };
  std::sort(node.records.begin(), node.records.end(),
            [&](const Record& one, const Record& other) { return key(one) < key(other); });
}

void draw_incarnation(Protocol& p, State& s, Node& node) {
  if (s.incs >= kIncs) {
    p.full = true;
    node.live = 0;
    return;
  }
  node.live = s.incs++;
  node.given = 0;
  s.parent[node.live] = node.newest;
}

void commit_incarnation(Node& node) {
  node.incs |= inc_bit(node.live);
  node.newest = node.live;
}

void put_on_disk(Node& node, Record& record) {
  if ((node.incs & inc_bit(node.live)) == 0) commit_incarnation(node);
  record.where = kHeld;
  node.stated |= names_of(inc_of(record.name), record.name % kSeqs + 1);
}

void add_record(Protocol& p, State& s, Node& node, const Body& body, Where where) {
  Record& free = node.records.back();
  if (free.where != kEmpty || node.given >= kSeqs) {
    p.full = true;
    return;
  }
  const Name name = static_cast<Name>(node.live * kSeqs + node.given++);
  free = Record{p.id(body), name, kMemory};
  if (where != kMemory) put_on_disk(node, free);
  for (std::size_t item = 0; item < kItems; ++item)
    if ((body.items >> item) & 1) s.names[item] |= bit(name);
  put_in_order(node);
}

Body gap_over(const Protocol& p, const Record& record) {
  const Body& lost = p.body(record);
  Body gap{};
  gap.gaps = lost.gaps | bit(record.name);
  gap.zero = lost.zero;
  gap.unknown = lost.unknown;
  gap.account = kNone;
  if (lost.items == 0) gap.zero |= bit(record.name);
  if (lost.account == kNone || !p.rules.shed_origin) return gap;
  gap.zero = (gap.zero | bit(record.name)) & ~bit(lost.account);
  return gap;
}

void drop_record(Protocol& p, State& s, Node& node, Record& record) {
  Body again = p.body(record);
  record = Record{};
  put_in_order(node);
  if (again.gaps == 0 || !p.rules.rcpt_3) return;
  again.items = 0;
  again.account = kNone;
  add_record(p, s, node, again, kHeld);
}

}  // namespace fieldpost::model::session
