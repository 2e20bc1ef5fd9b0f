#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/experiments/sensor_watch.h"
#include "coordinator/experiments/study_desk.h"
#include "coordinator/http/views.h"
#include "coordinator/store/health_table.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kUnnotedMax = 100'000;  ///< flags; beyond it the oldest are forgotten
inline constexpr std::size_t kWatchedMax = 20'000;   ///< series, of all experiments together

/// Watches the sensors of every experiment that records, and notes what is wrong with them, and
/// when it is over: each second, over readings as they are committed. Loop thread.
class HealthDesk {
 public:
  HealthDesk(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, StudyDesk& studies,
             CoordinatorView& view);
  ~HealthDesk();
  void start();

 private:
  /// Experiment and series; series 0 is a sensor without any, by its name.
  struct Key {
    std::int64_t experiment = 0;
    SeriesId series = 0;
    std::string sensor;
    auto operator<=>(const Key&) const = default;
  };
  struct Wanted {
    Key key;
    Sensor sensor;
  };
  using WantedList = std::vector<Wanted>;
  static rt::Result<WantedList> load(StudyReader& reader);

  void refresh();
  void watch(const WantedList& wanted);
  void subscribe();
  void on_readings(const std::vector<LiveReading>& readings);
  void tick();
  void note();

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Log& log_;
  StudyDesk& studies_;
  CoordinatorView& view_;
  std::map<Key, SensorWatch> watches_;
  std::map<SeriesId, std::vector<Key>> by_series_;
  std::set<std::int64_t> experiments_;  ///< that record
  std::unique_ptr<LiveSubscription> subscription_;
  rt::Instant refreshed_;
  bool refreshing_ = false;
  std::vector<HealthFlag> unnoted_;  ///< in their order; those that are being noted first
  bool noting_ = false;
  bool note_failed_ = false;
  rt::TimerId tick_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator
