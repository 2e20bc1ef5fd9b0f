// How a node's records get names, disk and room.
#pragma once

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {

inline Node& node_of(State& s, int machine) {
  return s.nodes[static_cast<std::size_t>(machine)];
}

void put_in_order(Node& node);
void draw_incarnation(Protocol& p, State& s, Node& node);
void commit_incarnation(Node& node);
void put_on_disk(Node& node, Record& record);
/// Names it in the live incarnation.
void add_record(Protocol& p, State& s, Node& node, const Body& body, Where where);
/// The account of what goes with a record: its name, its gaps, and what counts as lost.
Body gap_over(const Protocol& p, const Record& record);
/// The record and its readings are gone; gaps that it carried go out again ([rcpt-3]).
void drop_record(Protocol& p, State& s, Node& node, Record& record);

}  // namespace fieldpost::model::session
