#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/experiments/sampling_plan.h"
#include "coordinator/experiments/sensor_config.h"
#include "coordinator/experiments/study.h"
#include "coordinator/experiments/study_series.h"
#include "coordinator/http/parameters.h"
#include "coordinator/store/export_table.h"
#include "coordinator/store/health_table.h"
#include "coordinator/store/logbook_table.h"
#include "coordinator/store/press_table.h"

/// Studies as JSON, as the API shows them and as exports hold them.
namespace fieldpost::coordinator {

/// Members by row.
using MembersByNo = std::map<std::int64_t, Member>;

/// Participants, operators and tasks of an experiment, in their order.
struct Members {
  std::vector<Member> participants, operators, tasks;
  [[nodiscard]] MembersByNo by_no() const;
};
rt::Result<Members> load_members(Studies& studies, const Experiment& experiment);
/// Only these rows.
rt::Result<MembersByNo> load_members(Studies& studies,
                                     std::initializer_list<std::optional<std::int64_t>> rows);

struct ExperimentDetail {
  Experiment experiment;
  Members members;
  std::size_t recordings = 0, recordings_open = 0;
  std::vector<Outstanding> outstanding;
  std::vector<HealthFlag> wrong;  ///< with its sensors, now
  std::vector<PlannedSampling> sampling;
};

[[nodiscard]] std::string config_json(const SensorConfig& config, TimeFormat times);
[[nodiscard]] std::string experiment_json(const Experiment& experiment, TimeFormat times);
[[nodiscard]] std::string detail_json(const ExperimentDetail& detail, TimeFormat times);
[[nodiscard]] std::string member_json(const Member& member);
[[nodiscard]] std::string recording_json(const Recording& recording, const MembersByNo& members,
                                         TimeFormat times);
/// `recordings`: their ids by row.
[[nodiscard]] std::string entry_json(const LogEntry& entry, const MembersByNo& members,
                                     const std::map<std::int64_t, std::string>& recordings,
                                     TimeFormat times);
[[nodiscard]] std::string health_json(const HealthFlag& flag, TimeFormat times);
[[nodiscard]] std::string press_json(const Press& press, TimeFormat times);
/// `files_total`: how many there may be in the end.
[[nodiscard]] std::string export_json(const ExportRow& row, std::uint64_t files_total,
                                      TimeFormat times);

/// How far a participant is with each task.
struct TaskProgress {
  Member task;
  ProgressState state = ProgressState::kOpen;
  bool is_recording = false;
  std::size_t recordings = 0;
  double seconds = 0;  ///< of its recordings together
  std::string note;
};
struct ParticipantProgress {
  Member participant;
  std::vector<TaskProgress> tasks;  ///< in the protocol's order
};
[[nodiscard]] std::vector<ParticipantProgress> progress_of(const Members& members,
                                                           const std::vector<Recording>& recordings,
                                                           const std::vector<ProgressMark>& marks,
                                                           std::int64_t now);
[[nodiscard]] std::string progress_json(const ParticipantProgress& progress);

}  // namespace fieldpost::coordinator
