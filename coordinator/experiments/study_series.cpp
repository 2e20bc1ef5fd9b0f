#include "coordinator/experiments/study_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "coordinator/store/retention.h"

namespace fieldpost::coordinator {
namespace {

using rt::Result;

constexpr std::size_t kPage = 1000;

/// Until when each node of the experiment is awaited.
using Needs = std::map<std::string, std::int64_t>;

/// Recordings of the same nodes are awaited together: to the latest of their ends.
using EndsByNodes = std::map<std::vector<std::string>, std::int64_t>;

void extend(std::int64_t& until, std::int64_t to) {
  until = std::max(until, to);
}

EndsByNodes ends_of(const std::vector<Recording>& recordings, std::int64_t now) {
  EndsByNodes ends;
  for (const Recording& recording : recordings) {
    extend(ends[recording.nodes], recording.stopped.value_or(now));
  }
  return ends;
}

/// Nodes that have a series of the experiment, and those with an agent that may have one which is
/// not known here yet.
std::set<std::string> possible_nodes(const Experiment& experiment,
                                     const std::vector<Sensor>& sensors,
                                     const std::vector<StudySeries>& series,
                                     const std::vector<SettledNode>& nodes) {
  std::set<std::string> out;
  for (const StudySeries& each : series) out.insert(each.series.node);
  for (const SettledNode& node : nodes) {
    if (!node.has_agent || !has_node(experiment.nodes, node.id)) continue;
    const bool may_be_measured = std::ranges::any_of(sensors, [&](const Sensor& sensor) {
      return sensor.enabled && matches_pattern(sensor.node, node.id);
    });
    if (may_be_measured) out.insert(node.id);
  }
  return out;
}

Needs needs_of(const Experiment& experiment, const EndsByNodes& ends,
               const std::set<std::string>& possible) {
  Needs needs;
  for (const auto& [patterns, until] : ends) {
    // Nodes that are meant by name are awaited even if they never said a word.
    for (const std::string& pattern : patterns.empty() ? experiment.nodes : patterns) {
      if (is_one_node(pattern)) extend(needs[pattern], until);
    }
    for (const std::string& node : possible) {
      if (has_node(patterns, node)) extend(needs[node], until);
    }
  }
  return needs;
}

std::string reason(const SettledNode* node, std::int64_t until) {
  if (node == nullptr) return "it was never heard of";
  if (node->has_agent && node->settled_until == 0) return "it has not told yet what it holds";
  if (node->has_agent && node->settled_until < until) return "it may hold readings of that time";
  if (node->is_unconfirmed) return "a gap of it is not confirmed yet";
  if (node->quarantined > 0) {
    return fmt::format("{} records of it are quarantined: see `fieldpost reprocess --quarantined`",
                       node->quarantined);
  }
  return {};
}

}  // namespace

Result<std::vector<StudySeries>> study_series(ReadingQuery& query,
                                              const std::vector<Sensor>& sensors,
                                              const std::vector<std::string>& nodes) {
  std::vector<StudySeries> out;
  SeriesId after = 0;
  for (bool more = !sensors.empty(); more;) {
    auto page = query.series_keys(after, kPage);
    if (!page) return page.error();
    more = page->size() == kPage;
    for (SeriesInfo& series : *page) {
      after = series.id;
      const Sensor* sensor = has_node(nodes, series.node) ? sensor_of(sensors, series) : nullptr;
      if (sensor == nullptr) continue;
      out.push_back({static_cast<std::size_t>(sensor - sensors.data()), std::move(series)});
    }
    if (out.size() > kStudySeriesMax) {
      return rt::Error{rt::Errc::kFull, fmt::format("more than {} series", kStudySeriesMax)};
    }
  }
  std::ranges::sort(out, {}, [](const StudySeries& each) {
    return std::tuple(each.sensor, each.series.node, each.series.key.text());
  });
  return out;
}

Result<std::vector<Outstanding>> outstanding_of(Studies& studies, rt::Database& db,
                                                ReadingQuery& query, const Experiment& experiment,
                                                std::int64_t now) {
  const auto recordings = studies.recordings.all(experiment.no);
  if (!recordings) return recordings.error();
  const auto sensors = studies.sensors_of(experiment);
  if (!sensors) return sensors.error();
  const auto series = study_series(query, *sensors, experiment.nodes);
  if (!series) return series.error();
  // They are ordered by start.
  const std::int64_t first = recordings->empty() ? INT64_MAX : recordings->front().started;
  const auto nodes = settled_nodes(db, first);
  if (!nodes) return nodes.error();
  const Needs needs = needs_of(experiment, ends_of(*recordings, now),
                               possible_nodes(experiment, *sensors, *series, *nodes));
  std::vector<Outstanding> out;
  for (const auto& [id, until] : needs) {
    const auto node = std::ranges::lower_bound(*nodes, id, {}, &SettledNode::id);
    const SettledNode* known = node == nodes->end() || node->id != id ? nullptr : &*node;
    std::string why = reason(known, until);
    if (why.empty()) continue;
    out.push_back({id, until, known == nullptr ? 0 : known->settled_until, std::move(why)});
  }
  return out;
}

}  // namespace fieldpost::coordinator
