#include "coordinator/experiments/study_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace fieldpost::coordinator {
namespace {

using rt::Result;

constexpr std::size_t kPage = 1000;

bool is_one_node(const std::string& pattern) {
  return pattern.find_first_of("*?") == std::string::npos;
}

/// Until when each node of the experiment is awaited; 0: it only has to be known.
using Needs = std::map<std::string, std::int64_t>;

void need(Needs& needs, const std::string& node, std::int64_t until) {
  std::int64_t& at = needs[node];
  at = std::max(at, until);
}

/// Nodes that are meant by name are awaited even if they never said a word.
void need_named(Needs& needs, const Experiment& experiment, const Recording& recording,
                std::int64_t until) {
  const auto& patterns = recording.nodes.empty() ? experiment.nodes : recording.nodes;
  for (const std::string& pattern : patterns) {
    if (is_one_node(pattern)) need(needs, pattern, until);
  }
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
  Needs needs;
  std::int64_t first = INT64_MAX;
  for (const Recording& recording : *recordings) {
    const std::int64_t until = recording.stopped.value_or(now);
    first = std::min(first, recording.started);
    need_named(needs, experiment, recording, until);
    for (const StudySeries& each : *series) {
      if (has_node(recording.nodes, each.series.node)) need(needs, each.series.node, until);
    }
  }
  const auto nodes = settled_nodes(db, first);
  if (!nodes) return nodes.error();
  std::vector<Outstanding> out;
  for (const auto& [id, until] : needs) {
    const auto node = std::ranges::find(*nodes, id, &SettledNode::id);
    const SettledNode* known = node == nodes->end() ? nullptr : &*node;
    std::string why = reason(known, until);
    if (why.empty()) continue;
    out.push_back({id, until, known == nullptr ? 0 : known->settled_until, std::move(why)});
  }
  return out;
}

}  // namespace fieldpost::coordinator
