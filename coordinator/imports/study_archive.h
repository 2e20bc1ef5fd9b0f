#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "coordinator/experiments/study.h"
#include "coordinator/store/gap_table.h"
#include "coordinator/store/health_table.h"
#include "coordinator/store/logbook_table.h"
#include "proto/rt/result.h"
#include "proto/wire/messages.h"
#include "proto/wire/sha256.h"

/// What the documents of an export say (exports/export_documents.h writes them).
namespace fieldpost::coordinator {

/// A loss, as the manifest has it.
struct ArchivedGap {
  std::string node;
  wire::GapCause cause = wire::GapCause::kUnknown;
  std::optional<std::vector<std::string>> series;  ///< keys, sorted; absent: not known which
  std::optional<std::int64_t> from, to;            ///< ns; absent: not known, or without end
  std::optional<std::uint64_t> readings;           ///< absent: not known how many
  std::uint64_t fragments = 0;                     ///< of bodies
  std::uint64_t number = 1;         ///< among those of the archive that are alike, from 1
  std::optional<GapOrigin> origin;  ///< what the archive claims; absent: an older one made it
};

struct ArchivedFile {
  std::string path;  ///< below the manifest's directory; no way out of it
  std::uint64_t size = 0;
  wire::Sha256Digest sha256;
  std::string type;  ///< of a frame or file: its media type; empty: it is none
};

struct ArchiveManifest {
  std::string experiment;  ///< id
  std::vector<ArchivedFile> files;
  std::vector<ArchivedGap> gaps;  ///< without those that somebody deleted, and closed ones
};
/// kInvalid says what is wrong with it.
rt::Result<ArchiveManifest> parse_manifest(std::string_view json);

struct ArchivedMember {
  MemberKind kind = MemberKind::kParticipant;
  Member member;
};

/// A recording whose members are named by id.
struct ArchivedRecording {
  Recording recording;
  std::string participant, task, member_operator;  ///< ids; empty: none
};

struct ArchivedFlag {
  HealthFlag flag;
  std::string node, series;  ///< key; empty: the sensor has none
};

struct ArchivedMark {
  std::string participant, task;  ///< ids
  ProgressState state = ProgressState::kOpen;
  std::string note;
};

/// An experiment as its documents tell it: finished or archived, with no open recording. Ids are
/// UUIDs, each once, and who is named is among the members.
struct ArchivedStudy {
  Experiment experiment;
  std::optional<SensorConfig> config;
  std::vector<ArchivedMember> members;
  std::vector<ArchivedRecording> recordings;
  std::vector<ArchivedFlag> health;
  std::vector<ArchivedMark> marks;
};
/// kInvalid says what is wrong with it.
rt::Result<ArchivedStudy> parse_study(std::string_view experiment_json,
                                      std::string_view progress_json);

/// An entry of the logbook whose members are named by id.
struct ArchivedEntry {
  LogEntry entry;
  std::string recording, participant;  ///< ids; empty: none
};
/// One line of the log's document, without a comma at its end.
rt::Result<ArchivedEntry> parse_entry(std::string_view json);

}  // namespace fieldpost::coordinator
