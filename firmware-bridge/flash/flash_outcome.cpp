#include "firmware-bridge/flash/flash_outcome.h"

#include <array>
#include <utility>

#include "firmware-bridge/flash/json_object.h"

namespace fieldpost::bridge {
namespace {

constexpr std::array<std::pair<FlashStep, std::string_view>, 9> kSteps = {{
    {FlashStep::kCheck, "check"},
    {FlashStep::kSuspend, "suspend"},
    {FlashStep::kIdentify, "identify"},
    {FlashStep::kRead, "read"},
    {FlashStep::kWrite, "write"},
    {FlashStep::kVerify, "verify"},
    {FlashStep::kConfirm, "confirm"},
    {FlashStep::kCommit, "commit"},
    {FlashStep::kRevert, "revert"},
}};

constexpr std::array<std::pair<FlashState, std::string_view>, 4> kStates = {{
    {FlashState::kDone, "done"},
    {FlashState::kUnchanged, "unchanged"},
    {FlashState::kReverted, "reverted"},
    {FlashState::kBroken, "broken"},
}};

template <typename Names>
auto by_name(const Names& names, std::string_view name)
    -> std::optional<decltype(names.front().first)> {
  for (const auto& [value, text] : names) {
    if (text == name) return value;
  }
  return std::nullopt;
}

template <typename Names, typename Value>
std::string_view name_of(const Names& names, Value value) {
  for (const auto& [each, text] : names) {
    if (each == value) return text;
  }
  return "";
}

}  // namespace

std::string_view to_string(FlashStep step) {
  return name_of(kSteps, step);
}

std::optional<FlashStep> flash_step_of(std::string_view name) {
  return by_name(kSteps, name);
}

std::string_view to_string(FlashState state) {
  return name_of(kStates, state);
}

std::string encode(const FlashOutcome& outcome) {
  return JsonLine()
      .text("outcome", to_string(outcome.state))
      .text("id", outcome.id)
      .text("device", outcome.device)
      .text("step", to_string(outcome.step))
      .text("error", outcome.error)
      .flag("interrupted", outcome.interrupted)
      .text("old_sha256", outcome.old_sha256)
      .text("new_sha256", outcome.new_sha256)
      .text("version", outcome.version)
      .done();
}

std::optional<FlashOutcome> decode_flash_outcome(std::string_view json) {
  const auto in = JsonObject::parse(json);
  if (!in) return std::nullopt;
  const auto state = by_name(kStates, in->text("outcome"));
  const auto step = flash_step_of(in->text("step"));
  if (!state || !step) return std::nullopt;
  FlashOutcome outcome;
  outcome.id = in->text("id");
  outcome.device = in->text("device");
  outcome.state = *state;
  outcome.step = *step;
  outcome.error = in->text("error");
  outcome.interrupted = in->flag("interrupted");
  outcome.old_sha256 = in->text("old_sha256");
  outcome.new_sha256 = in->text("new_sha256");
  outcome.version = in->text("version");
  return outcome;
}

std::string encode(const FlashProgress& progress) {
  return JsonLine()
      .text("step", to_string(progress.step))
      .number("percent", progress.percent)
      .done();
}

std::optional<FlashProgress> decode_flash_progress(std::string_view json) {
  const auto in = JsonObject::parse(json);
  if (!in || in->has("outcome")) return std::nullopt;
  const auto step = flash_step_of(in->text("step"));
  const auto percent = in->number("percent");
  if (!step || !percent || *percent > 100) return std::nullopt;
  return FlashProgress{*step, static_cast<unsigned>(*percent)};
}

}  // namespace fieldpost::bridge
