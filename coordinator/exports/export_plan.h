#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/experiments/study_json.h"
#include "coordinator/exports/export_bounds.h"
#include "coordinator/exports/export_request.h"
#include "coordinator/query/time_range.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// All that is known of an experiment when its export begins; made in one read transaction.
struct StudySnapshot {
  Experiment experiment;
  std::vector<Sensor> sensors;
  std::optional<SensorConfig> config;
  Members members;
  std::vector<Recording> recordings;  ///< by start
  std::vector<ProgressMark> marks;
  std::vector<StudySeries> series;  ///< by sensor, node, key
  std::vector<HealthFlag> health;   ///< as it was flagged
  std::int64_t now = 0;             ///< ns; recordings that are open end there
};
rt::Result<StudySnapshot> load_snapshot(StudyReader& reader, std::int64_t experiment,
                                        std::int64_t now);

/// What of a recording is in one file.
struct ExportPart {
  std::size_t recording = 0;  ///< index in the snapshot
  TimeRange range;            ///< closed at both ends
};

/// A sample file: of one participant, day and type.
struct ExportFile {
  std::string path;         ///< below the experiment's directory
  std::string participant;  ///< id, or kNoParticipant
  std::string date, type;
  std::vector<ExportPart> parts;  ///< by start
};

/// Series (indices in the snapshot) of a file's type that the request wants, in their order.
[[nodiscard]] std::vector<std::size_t> series_of(const ExportFile& file,
                                                 const StudySnapshot& snapshot,
                                                 const ExportRequest& request);

/// Which files there may be, in the order of their paths' parts; those of which nothing was
/// recorded are not written. kFull: too many; kNotFound: the request names what is not there.
rt::Result<std::vector<ExportFile>> plan_export(const StudySnapshot& snapshot,
                                                const ExportRequest& request);

/// "20261127T203900Z", for the names of files.
[[nodiscard]] std::string compact_time(std::int64_t ns);

/// Where the samples of recordings without a participant lie.
inline constexpr std::string_view kNoParticipant = "no_participant";

}  // namespace fieldpost::coordinator
