#include "coordinator/nodes/live_feed.h"

#include <algorithm>
#include <utility>

namespace fieldpost::coordinator {

std::uint64_t LiveFeed::watch(const std::vector<SeriesId>& series, OnReadings on_readings) {
  const std::uint64_t id = next_id_++;
  watchers_[id] = {series, std::move(on_readings)};
  for (const SeriesId each : series) by_series_[each].push_back(id);
  return id;
}

void LiveFeed::unwatch(std::uint64_t id) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  for (const SeriesId each : found->second.series) {
    const auto list = by_series_.find(each);
    if (list == by_series_.end()) continue;
    std::erase(list->second, id);
    if (list->second.empty()) by_series_.erase(list);
  }
  watchers_.erase(found);
}

void LiveFeed::publish(const StoredReadings& stored) {
  if (by_series_.empty()) return;
  std::map<std::uint64_t, std::vector<LiveReading>> due;
  for (std::size_t i = 0; i < stored.series->size(); ++i) {
    const wire::Column& column = stored.columns->columns[i];
    if (column.count() == 0) continue;
    const auto list = by_series_.find((*stored.series)[i]);
    if (list == by_series_.end()) continue;
    for (const std::uint64_t id : list->second) {
      std::vector<LiveReading>& out = due[id];
      for (std::size_t k = 0; k < column.count(); ++k) {
        LiveReading reading{
            list->first, stored.set->types[i], column.times[k], column.values[k], {}};
        if (reading.type == wire::ValueType::kString) {
          reading.text = column.strings[static_cast<std::size_t>(reading.value)];
        }
        out.push_back(std::move(reading));
      }
    }
  }
  for (auto& [id, readings] : due) {
    // A handler may unwatch itself or others.
    const auto watcher = watchers_.find(id);
    if (watcher == watchers_.end()) continue;
    const OnReadings on_readings = watcher->second.on_readings;
    on_readings(readings);
  }
}

}  // namespace fieldpost::coordinator
