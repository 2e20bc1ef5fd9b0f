#include "coordinator/nodes/alarms.h"

#include <fmt/format.h>

#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using Alarms = std::vector<std::string>;

void add_stored(const NodeRecord& record, Alarms& out) {
  if (record.damaged > 0) {
    out.push_back(
        fmt::format("{} stored readings were damaged on the coordinator's disk: they are in gaps, "
                    "cause damaged; check the disk",
                    record.damaged));
  }
  if (record.unheard_since) {
    out.push_back(
        fmt::format("the store was set back to {}: what this node delivered after that is not "
                    "confirmed until it says hello",
                    wire::format_rfc3339({*record.unheard_since})));
  }
}

void add_live(const NodeLive& live, Alarms& out) {
  if (live.undecodable > 0) {
    out.push_back(
        fmt::format("{} envelopes of it were not of the protocol: dropped", live.undecodable));
  }
  if (live.no_room > 0) {
    out.push_back(
        fmt::format("the quarantine is full: {} times a record that is not understood was left "
                    "with the node; reprocess it or give it up",
                    live.no_room));
  }
  if (live.numbers_refused > 0) {
    out.push_back(fmt::format("it stated {} ordinals or command marks that no coordinator gives",
                              live.numbers_refused));
  }
  if (live.bodies_broken > 0) {
    out.push_back(fmt::format("the bytes of {} bodies were not those that it said: dropped",
                              live.bodies_broken));
  }
  if (live.ignored_lately >= kIgnoredMany) {
    out.push_back(
        fmt::format("it ignored {} messages just now that were not signed for it or not of its "
                    "session: somebody may be forging them",
                    live.ignored_lately));
  }
}

}  // namespace

std::vector<std::string> alarms_of(const NodeRecord& record, const NodeLive* live) {
  Alarms out;
  if (live != nullptr && !live->alarm.empty()) {
    out.push_back(live->alarm);
  } else if (record.run_twice) {
    out.emplace_back("two machines said that they are this node; it is not welcomed");
  }
  add_stored(record, out);
  if (live != nullptr) add_live(*live, out);
  return out;
}

}  // namespace fieldpost::coordinator
