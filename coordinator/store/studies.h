#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "coordinator/store/config_table.h"
#include "coordinator/store/experiment_table.h"
#include "coordinator/store/export_table.h"
#include "coordinator/store/health_table.h"
#include "coordinator/store/logbook_table.h"
#include "coordinator/store/press_table.h"
#include "coordinator/store/recording_table.h"
#include "coordinator/store/sampling_table.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

/// Readings of this measurement are presses of buttons: field `action` is "start", "stop" or
/// "toggle", tags may name `experiment`, `participant`, `task` and `operator`.
inline constexpr std::string_view kPressMeasurement = "fieldpost_recording";
inline constexpr std::string_view kPressField = "action";

struct Button;

/// All about studies in the store, and the rules that hold between its tables. Over the writer's
/// connection: store thread, what changes runs inside the caller's transaction. Over a read-only
/// one: questions.
class Studies {
 public:
  explicit Studies(rt::Database& db)
      : configs(db),
        experiments(db),
        recordings(db),
        logbook(db),
        presses(db),
        exports(db),
        health(db),
        sampling(db),
        db_(db) {}

  ConfigTable configs;
  ExperimentTable experiments;
  RecordingTable recordings;
  LogbookTable logbook;
  PressTable presses;
  ExportTable exports;
  HealthTable health;
  SamplingTable sampling;

  /// The experiment's sensors: none while it has no config.
  rt::Result<std::vector<Sensor>> sensors_of(const Experiment& experiment);

  struct Change {
    ExperimentState to = ExperimentState::kDraft;
    bool is_complete = false;  ///< what the caller found, or was told to take for granted
    std::string by;
    std::int64_t now = 0;  ///< ns; recordings that are open stop then
  };
  /// kDenied says why not.
  rt::Result<Experiment> change_state(Experiment experiment, const Change& change);
  /// kDenied: its state does not allow it, or it has none of a node that is named.
  rt::Result<Recording> start(const Experiment& experiment, Recording recording);
  /// One that is stopped already stays as it is. kInvalid: before its start.
  rt::Result<Recording> stop(Recording recording, std::int64_t time, const std::string& by);

  /// Size and type of a body whose hash is known. kDenied: its bytes are not here.
  rt::Status complete_body(wire::BodyReference& reference);

  /// Notes what of these readings is a press, and what follows from it. Idempotent. `series`: one
  /// for each column.
  rt::Status take_presses(const ReadingBatch& batch, const std::vector<SeriesId>& series,
                          rt::UnixTime now);
  /// Presses whose times are known by now take effect.
  rt::Status take_overdue_presses();

  /// It records exactly while a recording of it is open.
  rt::Status settle_state(std::int64_t experiment);

 private:
  rt::Result<Button> find_button(SeriesId series);
  rt::Status take_column(const ReadingBatch& batch, std::size_t column, SeriesId series,
                         rt::UnixTime now);
  rt::Result<std::int64_t> make_room(const Button& button, std::size_t count);
  rt::Status drop_presses(SeriesId series, std::size_t keep);

  rt::Database& db_;
};

}  // namespace fieldpost::coordinator
