#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::coordinator {

inline constexpr std::size_t kExperimentsMax = 100'000;
inline constexpr std::size_t kMembersMax = 10'000;  ///< participants, operators, tasks: of each
inline constexpr std::size_t kNodePatternsMax = 256;
inline constexpr std::size_t kDescriptionBytesMax = 64 * 1024;

enum class ExperimentState : std::uint8_t {
  kDraft = 1,
  kReady = 2,
  kRecording = 3,  ///< exactly while a recording of it is open
  kPaused = 4,
  kFinished = 5,
  kArchived = 6,
};
[[nodiscard]] std::string_view to_string(ExperimentState state);
[[nodiscard]] std::optional<ExperimentState> parse_experiment_state(std::string_view text);

struct ConfigRef {
  std::string name;
  std::int64_t version = 0;
  bool operator==(const ConfigRef&) const = default;
};

/// A study: which sensors of which nodes, for whom, and where it stands.
struct Experiment {
  std::int64_t no = 0;  ///< row
  std::string id;       ///< UUID
  std::string name;     ///< no two have the same
  std::string description, owner;
  ExperimentState state = ExperimentState::kDraft;
  std::optional<ConfigRef> config;
  std::vector<std::string> nodes;        ///< patterns as of `matches_pattern`; none: every node
  std::int64_t created = 0;              ///< ns
  std::optional<std::int64_t> finished;  ///< ns, also of one that is archived
  bool imported = false;                 ///< recorded elsewhere: no button means it
};

/// Whether a pattern is a node's name.
[[nodiscard]] bool is_one_node(std::string_view pattern);
/// Whether a node's readings are the experiment's.
[[nodiscard]] bool has_node(const std::vector<std::string>& patterns, std::string_view node);

enum class MemberKind : std::uint8_t { kParticipant = 1, kOperator = 2, kTask = 3 };
[[nodiscard]] std::string_view to_string(MemberKind kind);  ///< "participant"

/// A participant, an operator, or a task of the protocol.
struct Member {
  std::int64_t no = 0;
  std::string id;  ///< UUID
  MemberKind kind = MemberKind::kParticipant;
  std::string name;  ///< among those of its kind and experiment no two have the same
  std::string description;
};

/// A stretch of time in which the experiment's readings count, for a participant and a task.
struct Recording {
  std::int64_t no = 0;
  std::string id;  ///< UUID
  std::int64_t experiment = 0;
  std::optional<std::int64_t> participant, task, member_operator;  ///< rows of members
  std::vector<std::string> nodes;       ///< patterns: only these of the experiment's; none: all
  std::int64_t started = 0;             ///< ns, included
  std::optional<std::int64_t> stopped;  ///< ns, excluded; absent: it is open
  std::string started_by, stopped_by;   ///< a person, or "node greenhouse-3"
  std::int64_t pressed_on = 0;          ///< series of the button that began it; 0: none
};

enum class ProgressState : std::uint8_t { kOpen = 1, kDone = 2, kSkipped = 3 };
[[nodiscard]] std::string_view to_string(ProgressState state);
[[nodiscard]] std::optional<ProgressState> parse_progress_state(std::string_view text);

/// What somebody said of a participant's task.
struct ProgressMark {
  std::int64_t participant = 0, task = 0;  ///< rows of members
  ProgressState state = ProgressState::kOpen;
  std::string note;
  std::int64_t at = 0;  ///< ns
};

/// What a transition is judged by.
struct StateFacts {
  bool has_sensors = false;  ///< its config has an enabled one
  bool has_recordings = false;
  bool is_complete = false;  ///< all readings of its recordings are here, or lie in gaps
};
/// Why an experiment cannot go from one state to another; nothing: it can.
[[nodiscard]] std::optional<std::string> refusal(ExperimentState from, ExperimentState to,
                                                 const StateFacts& facts);
/// Why no recording of it can begin now; nothing: it can.
[[nodiscard]] std::optional<std::string> refusal_to_record(ExperimentState state);

}  // namespace fieldpost::coordinator
