#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "coordinator/experiments/study.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/settled_nodes.h"
#include "coordinator/store/studies.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kStudySeriesMax = 100'000;  ///< of one experiment

/// A series that belongs to an experiment, and as which sensor.
struct StudySeries {
  std::size_t sensor = 0;  ///< index among the experiment's sensors
  SeriesInfo series;
};

/// All series of these sensors and nodes: by sensor, then node, then key. kFull: too many.
rt::Result<std::vector<StudySeries>> study_series(ReadingQuery& query,
                                                  const std::vector<Sensor>& sensors,
                                                  const std::vector<std::string>& nodes);

/// What an experiment still waits for.
struct Outstanding {
  std::string node;
  std::int64_t needed_until = 0;   ///< ns: the end of its last recording, or now
  std::int64_t settled_until = 0;  ///< ns: up to here all is here; 0: nobody knows
  std::string why;
};

/// Whether all readings of an experiment's recordings are stored or lie in declared gaps: what is
/// outstanding, by node. Awaited are nodes that are meant by name, those with a series of it, and
/// those with an agent that one of its sensors may be on. Recordings that are open are awaited to
/// `now` (ns).
rt::Result<std::vector<Outstanding>> outstanding_of(Studies& studies, rt::Database& db,
                                                    ReadingQuery& query,
                                                    const Experiment& experiment, std::int64_t now);

}  // namespace fieldpost::coordinator
