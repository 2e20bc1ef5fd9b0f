// What node and coordinator do; one function a transition, each in one transaction.
#pragma once

#include "tests/model/session/rules.h"
#include "tests/model/session/state.h"
#include "tests/model/session/table.h"

namespace fieldpost::model::session {

/// The rules in force and the tables that states refer to. One for each search.
struct Protocol {
  Rules rules;
  bool buffered = false;  ///< what arrives waits for a commit of its own
  Table<Body> bodies;
  Table<Node> images;
  Table<Store> backups;
  bool full = false;  ///< the transition did not fit into a state

  bool commit_lags() const { return buffered || !rules.commit_1_receipt || !rules.commit_1_data; }

  const Body& body(const Record& record) const { return bodies[record.body]; }
  BodyId id(const Body& body) { return static_cast<BodyId>(bodies.number(body)); }
};

// ---- on the way ----

void send(Protocol& p, State& s, const Message& message);
void take_off(State& s, int index);
/// Drops messages that nobody can obey any more.
void sweep(const Protocol& p, State& s);

// ---- node ----

inline bool on_disk(const Record& r) {
  return r.where == kHeld || r.where == kKept;
}
inline bool owed(const Record& r) {
  return r.where == kHeld || r.where == kMemory;
}
Names names_owed(const Protocol& p, const Node& node);
Names names_kept(const Node& node);
Items items_on(const Protocol& p, const Node& node);

void start_node(Protocol& p, State& s, int machine);
void crash_node(Protocol& p, State& s, int machine);
void accept(Protocol& p, State& s, int machine, bool durable);
void write_spool(State& s, int machine);
void say_hello(Protocol& p, State& s, int machine);
bool may_publish(const Protocol& p, const Node& node, const Record& record);
void publish(Protocol& p, State& s, int machine, int index, bool replay);
void shed(Protocol& p, State& s, int machine, int index);
void write_late_gap(Protocol& p, State& s, int machine);
void thin(Protocol& p, State& s, int machine, int stays, int goes);
void merge_gaps(Protocol& p, State& s, int machine, int first, int second);
void evict(Protocol& p, State& s, int machine, int index);
void begin_salvage(Protocol& p, State& s, int machine, int unreadable);
void finish_salvage(Protocol& p, State& s, int machine);
void node_takes(Protocol& p, State& s, const Message& message);

// ---- coordinator ----

inline Names settled(const Store& store) {
  return store.stored | store.gapped | store.quarantined;
}
void start_coordinator(Protocol& p, State& s);
void crash_coordinator(State& s);
/// `wish` is what the coordinator makes of a record of a name that is not settled.
void coordinator_takes(Protocol& p, State& s, const Message& message, Verdict wish);
void commit_arrived(Protocol& p, State& s, Verdict wish);
void reprocess(Protocol& p, State& s, Name name, bool understood);
void store_dangling(Protocol& p, State& s);
void declare_left_behind(State& s);

}  // namespace fieldpost::model::session
