#include "tests/model/session/calm.h"
#include "tests/model/session/node_records.h"
#include "tests/model/session/steps.h"

namespace fieldpost::model::session {
namespace {

void use(State& s, Budget budget) {
  --s.budget[budget];
}

void take_image(Protocol& p, State& s, bool with_memory) {
  State copy = s;
  if (!with_memory) crash_node(p, copy, 0);
  copy.nodes[0].session = kNoSession;
  copy.nodes[0].nonce = copy.nodes[0].generation = 0;
  s.image = p.images.number(copy.nodes[0]);
}

/// Items that were shed, by the gaps of records on this node.
Items items_in_gaps(const Protocol& p, const State& s, const Node& node) {
  Names gaps = 0;
  for (const Record& r : node.records)
    if (r.where != kEmpty) gaps |= p.body(r).gaps;
  Items items = 0;
  for (std::size_t item = 0; item < kItems; ++item)
    if ((s.names[item] & gaps) != 0) items |= static_cast<Items>(1u << item);
  return items;
}

/// What was accepted in an incarnation that the other branch has, too, was settled with it.
void come_back(State& s, Items items) {
  s.lost_back &= static_cast<Items>(~items);
  for (std::size_t item = 0; item < kItems; ++item)
    if ((s.names[item] & (names_in(s.nodes[0].incs) | s.store.gapped)) == 0)
      s.may_lose &= static_cast<Items>(~(items & (1u << item)));
}

void note_travel_to(State& s, const Node& image) {
  s.travelled |= kSpoolBack;
  if (image.up != 0) s.travelled |= kProcessBack;
}

void set_back(Protocol& p, State& s, bool swap) {
  const Node image = p.images[s.image];
  if (swap) take_image(p, s, false);
  const Items now = items_on(p, s.nodes[0]) | items_in_gaps(p, s, s.nodes[0]);
  const Items then = items_on(p, image) | items_in_gaps(p, s, image);
  const Items lost = static_cast<Items>(now & ~then);
  s.lost_back |= lost;
  s.may_lose |= lost;
  if (swap) come_back(s, then);
  s.nodes[0] = image;
  note_travel_to(s, image);
  sweep(p, s);
}

void clone(Protocol& p, State& s) {
  s.nodes[1] = p.images[s.image];
  s.cloned = 1;
  note_travel_to(s, s.nodes[1]);
}

void restore(Protocol& p, State& s) {
  crash_coordinator(s);
  const Store& backup = p.backups[s.backup];
  Items on_nodes = s.deleted;
  for (const Node& node : s.nodes)
    for (const Record& r : node.records)
      if (on_disk(r)) on_nodes |= p.body(r).items;
  const Items gone = static_cast<Items>(s.store.items & ~backup.items & ~on_nodes);
  s.may_lose |= gone;
  s.lost_back |= static_cast<Items>(gone & s.lost_back);
  s.store = backup;
  s.travelled |= kStoreBack;
  sweep(p, s);
}

void lose_data(State& s) {
  s.may_lose |= s.store.items;
  s.lost_back |= s.store.items;
  s.store.items = 0;
}

void deliver(Protocol& p, State& s, const Step& step, bool keep) {
  const Message m = s.net[step.x];
  if (!keep) take_off(s, step.x);
  if (m.kind == kHello || m.kind == kAnswer || m.kind == kRecord)
    coordinator_takes(p, s, m, step.wish);
  else
    node_takes(p, s, m);
  if (step.wish == kRefused) use(s, kRefuse);
  if (step.wish == kQuarantined) use(s, kQuarantine);
  if (keep) use(s, kDuplicate);
}

void need(State& s, const Step& step) {
  s.store.known |= bit(s.net[step.x].subject);
  take_off(s, step.x);
  use(s, kNeeds);
}

void node_step(Protocol& p, State& s, const Step& step, const Manner& manner) {
  const int first = step.y / 16;
  const int second = step.y % 16;
  switch (step.what) {
    case Do::kStartNode: start_node(p, s, step.x); break;
    case Do::kCrashNode:
      crash_node(p, s, step.x);
      use(s, kNodeCrash);
      break;
    case Do::kAcceptDurable:
      accept(p, s, step.x, true);
      use(s, kDurable);
      break;
    case Do::kAcceptSampled:
      accept(p, s, step.x, false);
      use(s, kSampled);
      break;
    case Do::kWriteSpool:
      write_spool(s, step.x);
      use(s, kSpoolWrite);
      break;
    case Do::kHello:
      say_hello(p, s, step.x);
      use(s, kHellos);
      if (manner.quick_sessions) finish_session(p, s, step.x);
      break;
    case Do::kPublish:
      publish(p, s, step.x, step.y, false);
      use(s, kPublish);
      break;
    case Do::kReplay:
      publish(p, s, step.x, step.y, true);
      use(s, kReplay);
      break;
    case Do::kShed:
      shed(p, s, step.x, step.y);
      use(s, kShed);
      break;
    case Do::kLateGap: write_late_gap(p, s, step.x); break;
    case Do::kThin:
      thin(p, s, step.x, first, second);
      use(s, kThin);
      break;
    case Do::kMerge:
      merge_gaps(p, s, step.x, first, second);
      use(s, kMerge);
      break;
    case Do::kEvict:
      evict(p, s, step.x, step.y);
      use(s, kEvict);
      break;
    case Do::kBeginSalvage:
      begin_salvage(p, s, step.x, step.y);
      use(s, kSalvage);
      break;
    default: finish_salvage(p, s, step.x); break;
  }
}

}  // namespace

void take_step(Protocol& p, State& s, const Step& step, const Manner& manner) {
  switch (step.what) {
    case Do::kTakeImage:
      take_image(p, s, false);
      use(s, kImage);
      break;
    case Do::kTakeMemoryImage:
      take_image(p, s, true);
      use(s, kMemoryImage);
      break;
    case Do::kSetBack:
      set_back(p, s, manner.swap);
      use(s, kSetBack);
      break;
    case Do::kClone:
      clone(p, s);
      use(s, kClone);
      break;
    case Do::kStartCoordinator: start_coordinator(p, s); break;
    case Do::kCrashCoordinator:
      crash_coordinator(s);
      use(s, kStoreCrash);
      sweep(p, s);
      break;
    case Do::kBackup:
      s.backup = p.backups.number(s.store);
      use(s, kBackup);
      break;
    case Do::kRestore:
      restore(p, s);
      use(s, kRestore);
      break;
    case Do::kDeliver: deliver(p, s, step, false); break;
    case Do::kDeliverTwice: deliver(p, s, step, true); break;
    case Do::kNeed: need(s, step); break;
    case Do::kCommit: commit_arrived(p, s, kStored); break;
    case Do::kReprocess:
      reprocess(p, s, step.x, step.y != 0);
      use(s, kReprocess);
      break;
    case Do::kStoreDangling: store_dangling(p, s); break;
    case Do::kDataLoss:
      lose_data(s);
      use(s, kDataLoss);
      break;
    case Do::kDeclare:
      declare_left_behind(s);
      use(s, kDeclare);
      break;
    default: node_step(p, s, step, manner); break;
  }
}

}  // namespace fieldpost::model::session
