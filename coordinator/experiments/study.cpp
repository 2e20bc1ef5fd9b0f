#include "coordinator/experiments/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "coordinator/store/retention.h"

namespace fieldpost::coordinator {
namespace {

template <typename Enum, std::size_t N>
std::optional<Enum> parse_one_of(std::string_view text, const std::array<Enum, N>& all) {
  const auto found = std::ranges::find_if(all, [&](Enum each) { return to_string(each) == text; });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

std::optional<std::string> unless(bool holds, const char* why) {
  return holds ? std::nullopt : std::optional<std::string>(why);
}

}  // namespace

std::string_view to_string(ExperimentState state) {
  switch (state) {
    case ExperimentState::kDraft: return "draft";
    case ExperimentState::kReady: return "ready";
    case ExperimentState::kRecording: return "recording";
    case ExperimentState::kPaused: return "paused";
    case ExperimentState::kFinished: return "finished";
    case ExperimentState::kArchived: return "archived";
  }
  return "";
}

std::optional<ExperimentState> parse_experiment_state(std::string_view text) {
  using enum ExperimentState;
  return parse_one_of(text, std::array{kDraft, kReady, kRecording, kPaused, kFinished, kArchived});
}

std::string_view to_string(MemberKind kind) {
  switch (kind) {
    case MemberKind::kParticipant: return "participant";
    case MemberKind::kOperator: return "operator";
    case MemberKind::kTask: return "task";
  }
  return "";
}

std::string_view to_string(ProgressState state) {
  switch (state) {
    case ProgressState::kOpen: return "open";
    case ProgressState::kDone: return "done";
    case ProgressState::kSkipped: return "skipped";
  }
  return "";
}

std::optional<ProgressState> parse_progress_state(std::string_view text) {
  using enum ProgressState;
  return parse_one_of(text, std::array{kOpen, kDone, kSkipped});
}

bool is_one_node(std::string_view pattern) {
  return pattern.find_first_of("*?") == std::string_view::npos;
}

bool has_node(const std::vector<std::string>& patterns, std::string_view node) {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return matches_pattern(pattern, node);
         });
}

std::optional<std::string> refusal(ExperimentState from, ExperimentState to,
                                   const StateFacts& facts) {
  using enum ExperimentState;
  const auto step = [&](ExperimentState a, ExperimentState b) { return from == a && to == b; };
  if (from == to) return std::nullopt;
  if (step(kDraft, kReady)) {
    return unless(facts.has_sensors,
                  "it has no sensor config with a sensor that is on: give it one first");
  }
  if (step(kReady, kDraft)) {
    return unless(!facts.has_recordings, "it has recordings already: its config stays as it is");
  }
  if (to == kRecording && (from == kReady || from == kPaused)) {
    return "it records while a recording is open: start one";
  }
  if (step(kRecording, kPaused)) return std::nullopt;
  if (step(kRecording, kFinished) || step(kPaused, kFinished)) return std::nullopt;
  if (step(kFinished, kArchived)) {
    return unless(facts.is_complete,
                  "readings of it are still outstanding (see \"outstanding\"): wait for them, or "
                  "archive it all the same (--incomplete; in JSON \"incomplete\": true)");
  }
  return fmt::format(
      "from {} it cannot become {}; the way is draft, ready, recording and paused, finished, "
      "archived",
      to_string(from), to_string(to));
}

std::optional<std::string> refusal_to_record(ExperimentState state) {
  switch (state) {
    case ExperimentState::kReady:
    case ExperimentState::kRecording:
    case ExperimentState::kPaused: return std::nullopt;
    case ExperimentState::kDraft: return "it is a draft: make it ready first";
    case ExperimentState::kFinished:
    case ExperimentState::kArchived: break;
  }
  return fmt::format("it is {}", to_string(state));
}

}  // namespace fieldpost::coordinator
