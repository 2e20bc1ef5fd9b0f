#include "coordinator/experiments/health_desk.h"

#include <iterator>
#include <utility>

#include "coordinator/experiments/study_series.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {

using rt::Result;
using rt::Status;

namespace {

constexpr rt::Nanos kTick = rt::Seconds(1);
constexpr rt::Nanos kRefreshEvery = rt::Seconds(5);

bool expects_something(const Sensor& sensor) {
  return silence_allowed_s(sensor) || sensor.min || sensor.max || sensor.stuck_after_s;
}

}  // namespace

HealthDesk::HealthDesk(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, StudyDesk& studies,
                       CoordinatorView& view)
    : loop_(loop), clock_(clock), log_(log), studies_(studies), view_(view) {}

HealthDesk::~HealthDesk() {
  *alive_ = false;
  loop_.cancel(tick_);
}

/// What was open when the process ended is over: nobody watched.
void HealthDesk::start() {
  studies_.change<bool>(
      [now = clock_.now().ns](Studies& studies) -> Result<bool> {
        if (auto done = studies.health.end_all(0, now); !done) return done.error();
        return true;
      },
      [this, alive = alive_](const Result<bool>& ended) {
        if (!*alive) return;
        if (!ended) log_.warning("health of sensors: {}", ended.error().message);
        tick();
      });
}

Result<HealthDesk::WantedList> HealthDesk::load(StudyReader& reader) {
  WantedList out;
  const auto recording = reader.studies.experiments.list(
      {.state = ExperimentState::kRecording, .owner = ""}, 0, kExperimentsMax);
  if (!recording) return recording.error();
  for (const Experiment& experiment : *recording) {
    const auto sensors = reader.studies.sensors_of(experiment);
    if (!sensors) return sensors.error();
    const auto series = study_series(reader.query, *sensors, experiment.nodes);
    if (!series) return series.error();
    std::vector<bool> has_series(sensors->size(), false);
    for (const StudySeries& each : *series) {
      has_series[each.sensor] = true;
      const Sensor& sensor = (*sensors)[each.sensor];
      if (!expects_something(sensor) || out.size() >= kWatchedMax) continue;
      out.push_back({{experiment.no, each.series.id, sensor.name}, sensor});
    }
    for (std::size_t s = 0; s < sensors->size(); ++s) {
      const Sensor& sensor = (*sensors)[s];
      if (has_series[s] || !sensor.enabled || !silence_allowed_s(sensor)) continue;
      if (out.size() < kWatchedMax) out.push_back({{experiment.no, 0, sensor.name}, sensor});
    }
  }
  return out;
}

void HealthDesk::refresh() {
  if (refreshing_) return;
  refreshing_ = true;
  refreshed_ = loop_.now();
  studies_.ask<WantedList>([](StudyReader& reader) { return load(reader); },
                           [this, alive = alive_](const Result<WantedList>& wanted) {
                             if (!*alive) return;
                             refreshing_ = false;
                             if (wanted) return watch(*wanted);
                             log_.warning("health of sensors: {}", wanted.error().message);
                           });
}

void HealthDesk::watch(const WantedList& wanted) {
  std::map<Key, SensorWatch> next;
  std::set<std::int64_t> experiments;
  bool changed = wanted.size() != watches_.size();
  for (const Wanted& each : wanted) {
    experiments.insert(each.key.experiment);
    const auto old = watches_.find(each.key);
    changed |= old == watches_.end();
    if (old != watches_.end()) {
      next.insert(watches_.extract(old));
    } else {
      next.emplace(each.key, SensorWatch(each.sensor, loop_.now()));
    }
  }
  // What is not watched any more is not wrong any more, as far as anybody knows.
  std::vector<HealthFlag> over;
  for (const auto& [key, gone] : watches_) {
    for (int kind = 1; kind <= kHealthKinds; ++kind) {
      over.push_back({.experiment = key.experiment,
                      .sensor = key.sensor,
                      .series = key.series,
                      .kind = static_cast<HealthKind>(kind),
                      .from = 0,
                      .to = clock_.now().ns,
                      .detail = ""});
    }
  }
  watches_ = std::move(next);
  experiments_ = std::move(experiments);
  unnoted_.insert(unnoted_.end(), std::make_move_iterator(over.begin()),
                  std::make_move_iterator(over.end()));
  note();
  if (changed) subscribe();
}

void HealthDesk::subscribe() {
  by_series_.clear();
  std::vector<SeriesId> ids;
  for (const auto& [key, watch] : watches_) {
    if (key.series == 0) continue;
    auto& keys = by_series_[key.series];
    if (keys.empty()) ids.push_back(key.series);
    keys.push_back(key);
  }
  subscription_.reset();
  if (ids.empty()) return;
  LiveHandlers handlers;
  handlers.on_readings = [this](const std::vector<LiveReading>& readings) {
    on_readings(readings);
  };
  subscription_ = view_.subscribe(ids, std::move(handlers));
}

void HealthDesk::on_readings(const std::vector<LiveReading>& readings) {
  const rt::Instant now = loop_.now();
  for (const LiveReading& reading : readings) {
    const auto keys = by_series_.find(reading.series);
    if (keys == by_series_.end()) continue;
    const bool is_number = reading.type != wire::ValueType::kString;
    for (const Key& key : keys->second) {
      const auto found = watches_.find(key);
      if (found == watches_.end()) continue;
      found->second.on_reading(number_of(reading.value, reading.type), is_number, now);
    }
  }
}

void HealthDesk::tick() {
  tick_ = loop_.after(kTick, [this] { tick(); });
  const rt::Instant now = loop_.now();
  if (now - refreshed_ >= kRefreshEvery || watches_.empty()) refresh();
  for (auto& [key, watch] : watches_) {
    for (HealthChange& change : watch.look(now)) {
      HealthFlag flag;
      flag.experiment = key.experiment;
      flag.sensor = key.sensor;
      flag.series = key.series;
      flag.kind = change.kind;
      flag.from = clock_.now().ns;
      if (!change.is_wrong) flag.to = flag.from;
      flag.detail = std::move(change.detail);
      unnoted_.push_back(std::move(flag));
    }
  }
  note();
}

/// One call at a time, so that they are noted in their order. What cannot be noted now is tried
/// again at the next tick.
void HealthDesk::note() {
  if (noting_ || unnoted_.empty()) return;
  noting_ = true;
  if (unnoted_.size() > kUnnotedMax) {
    unnoted_.erase(unnoted_.begin(), unnoted_.end() - static_cast<std::ptrdiff_t>(kUnnotedMax));
  }
  studies_.change<bool>(
      [flags = unnoted_](Studies& studies) -> Result<bool> {
        for (const HealthFlag& flag : flags) {
          auto done = flag.to ? studies.health.end(flag) : studies.health.begin(flag);
          if (!done) return done.error();
        }
        return true;
      },
      [this, alive = alive_, count = unnoted_.size()](const Result<bool>& noted) {
        if (!*alive) return;
        noting_ = false;
        if (noted) {
          unnoted_.erase(unnoted_.begin(), unnoted_.begin() + static_cast<std::ptrdiff_t>(count));
        } else if (!note_failed_) {
          log_.warning("noting the health of sensors: {}; it is tried again each second",
                       noted.error().message);
        }
        note_failed_ = !noted;
      });
}

}  // namespace fieldpost::coordinator
