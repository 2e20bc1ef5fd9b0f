#include "tests/model/session/node_records.h"

namespace fieldpost::model::session {
namespace {

Record take_out(Node& node, int index) {
  Record& slot = node.records[static_cast<std::size_t>(index)];
  const Record record = slot;
  slot = Record{};
  return record;
}

void note_shed(State& s, const Body& gap) {
  if (gap.unknown == 0) s.shed |= gap.gaps;
}

/// Only without [name-2]: the record that stays keeps its name, and gets a gap.
void rewrite(Protocol& p, Node& node, const Record& keeps, Body body, Name shed) {
  body.gaps = bit(shed);
  node.records.back() = Record{p.id(body), keeps.name, keeps.where};
  put_in_order(node);
}

}  // namespace

void shed(Protocol& p, State& s, int machine, int index) {
  Node& node = node_of(s, machine);
  const Record record = take_out(node, index);
  put_in_order(node);
  s.may_lose |= p.body(record).items;
  const Body gap = gap_over(p, record);
  note_shed(s, gap);
  if (record.where == kMemory && !p.rules.shed_4) return;
  if (p.rules.shed_1)
    add_record(p, s, node, gap, kHeld);
  else
    node.deleting |= bit(record.name);
}

void write_late_gap(Protocol& p, State& s, int machine) {
  Node& node = node_of(s, machine);
  add_record(p, s, node, Body{node.deleting, 0, 0, kNone, 0, 0}, kHeld);
  node.deleting = 0;
}

void thin(Protocol& p, State& s, int machine, int stays, int goes) {
  Node& node = node_of(s, machine);
  const Record keeps = take_out(node, stays);
  const Record loses = take_out(node, goes);
  put_in_order(node);
  s.may_lose |= p.body(loses).items;
  Body thinned{};
  thinned.items = p.body(keeps).items;
  thinned.account = keeps.name;
  thinned.gaps = bit(keeps.name) | bit(loses.name);
  thinned.zero = bit(keeps.name);
  note_shed(s, thinned);
  if (p.rules.name_2)
    add_record(p, s, node, thinned, kHeld);
  else
    rewrite(p, node, keeps, p.body(keeps), loses.name);
}

void merge_gaps(Protocol& p, State& s, int machine, int first, int second) {
  Node& node = node_of(s, machine);
  const Body one = gap_over(p, take_out(node, first));
  const Body other = gap_over(p, take_out(node, second));
  put_in_order(node);
  Body merged = one;
  merged.gaps |= other.gaps;
  merged.zero |= other.zero;
  merged.unknown |= other.unknown;
  if (!p.rules.shed_3_names) merged.gaps &= ~merged.zero;
  add_record(p, s, node, merged, kHeld);
}

void begin_salvage(Protocol& p, State& s, int machine, int unreadable) {
  Node& node = node_of(s, machine);
  const Record lost = take_out(node, unreadable);
  put_in_order(node);
  s.may_lose |= p.body(lost).items;
  s.shed &= ~p.body(lost).gaps;
  node.salvaging = node.incs;
  node.stated = 0;
  for (const Record& r : node.records)
    if (r.where != kEmpty) node.stated |= names_of(inc_of(r.name), r.name % kSeqs + 1);
}

void finish_salvage(Protocol& p, State& s, int machine) {
  Node& node = node_of(s, machine);
  const Names extent =
      p.rules.name_3_lease ? names_in(node.salvaging) : node.stated & names_in(node.salvaging);
  Names readable = 0;
  for (const Record& r : node.records)
    if (on_disk(r)) readable |= bit(r.name) | (p.rules.back_5_gaps ? p.body(r).gaps : 0);
  node.salvaging = 0;
  if (p.rules.back_5_hello) {
    node.session = kNoSession;
    node.nonce = 0;
  }
  const Names unread = extent & ~readable;
  if (unread != 0 && p.rules.back_5) add_record(p, s, node, Body{unread, 0, 0, kNone, 1, 0}, kHeld);
}

}  // namespace fieldpost::model::session
