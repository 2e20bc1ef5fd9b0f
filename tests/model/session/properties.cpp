#include "tests/model/session/properties.h"

namespace fieldpost::model::session {
namespace {

Names counted_lost(const Store& store) {
  return store.gapped & ~store.zero;
}

/// After a memory image was resumed, one name may have been given to two records.
bool shares_names(const State& s, std::size_t item) {
  if ((s.travelled & kProcessBack) == 0) return false;
  for (std::size_t other = 0; other < kItems; ++other)
    if (other != item && (s.names[other] & s.names[item]) != 0) return true;
  return false;
}

const char* broken_for_lost(const State& s, std::size_t item) {
  const Names names = s.names[item];
  if (shares_names(s, item) || (names & ~s.store.known) != 0) return nullptr;
  const Names shown = settled(s.store) | s.store.unconfirmed;
  return (names & ~shown) != 0 ? "announced, lost with a set-back spool, in no gap" : nullptr;
}

const char* broken_for_item(const State& s, std::size_t item) {
  const Items one = static_cast<Items>(1u << item);
  const Store& store = s.store;
  const Names names = s.names[item];
  const bool stored = (store.items & one) != 0 || (names & store.quarantined) != 0;
  const Names lost = names & counted_lost(store);
  if (store.twice & one) return "stored twice";
  if (stored && (lost & ~store.unknown) != 0 && (s.travelled & kSpoolBack) == 0)
    return "stored and counted lost";
  if (stored && lost != 0 && (s.travelled & kSpoolBack) == 0) return "stored, and a gap lists it";
  const bool may_lose = (s.may_lose & one) != 0;
  const bool exposed = (s.exposed & one) != 0;
  const bool shares = exposed || ((lost & ~store.unknown) != 0 && shares_names(s, item));
  if (!may_lose && lost != 0 && !stored && !shares && s.cloned == 0)
    return "needlessly counted lost";
  if (stored || lost != 0) return nullptr;
  const bool shed = may_lose && (s.lost_back & one) == 0;
  if (shed && (exposed || shares_names(s, item)))
    return nullptr;  // the limit that the README names
  if (s.lost_back & one) return broken_for_lost(s, item);
  const bool durable = (s.durable & one) != 0;
  return durable || !may_lose ? "lost, and in no gap" : nullptr;
}

const char* broken_for_node(const State& s, const Node& node) {
  if (node.exists == 0) return nullptr;
  if (node.session != kWelcomed && s.cloned == 0) return "an honest node is locked out";
  for (const Record& r : node.records)
    if (owed(r)) return "still held after the calm";
  return nullptr;
}

}  // namespace

const char* broken_after_calm(const Protocol& p, const State& s) {
  if (p.full) return "the bounds of the model are too small";
  if (s.overtaken != 0) return "a record that had arrived was counted lost";
  for (std::size_t item = 0; item < s.accepted; ++item)
    if (const char* what = broken_for_item(s, item)) return what;
  for (const Node& node : s.nodes)
    if (const char* what = broken_for_node(s, node)) return what;
  const Store& store = s.store;
  if ((store.known & ~settled(store) & ~store.unconfirmed) != 0) return "a name is never settled";
  if ((store.gapped & store.stored) != 0) return "a name is settled twice";
  if ((s.travelled & kSpoolBack) != 0) return nullptr;
  if (s.conflicts != 0) return "a conflict, and no spool was set back";
  if (s.travelled != 0) return nullptr;
  if (store.unconfirmed != 0 || store.left_behind != 0) return "left behind without time travel";
  if ((s.shed & store.unknown) != 0) return "shed with a number, counted as unknown";
  return nullptr;
}

}  // namespace fieldpost::model::session
