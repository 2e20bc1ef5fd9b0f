#include "coordinator/experiments/button.h"

namespace fieldpost::coordinator {

std::vector<Stretch> stretches_of(std::span<const Press> presses) {
  std::vector<Stretch> out;
  for (std::size_t i = 0; i < presses.size(); ++i) {
    const Press& press = presses[i];
    if (!press.at || press.action == PressAction::kNone) continue;
    const bool is_open = !out.empty() && !out.back().stop;
    const bool starts =
        press.action == PressAction::kStart || (press.action == PressAction::kToggle && !is_open);
    if (is_open) {
      out.back().stop = *press.at;
      out.back().stopped_by = press.by;
    }
    if (starts) out.push_back({*press.at, std::nullopt, press.by, "", i});
  }
  return out;
}

std::size_t droppable(std::span<const Press> presses, std::size_t wanted) {
  std::size_t most = 0;
  bool is_open = false;
  for (std::size_t i = 0; i < presses.size() && most < wanted; ++i) {
    const PressAction action = presses[i].action;
    const bool starts =
        action == PressAction::kStart || (action == PressAction::kToggle && !is_open);
    // Those of one time stay together.
    const bool is_new = i > 0 && presses[i].at != presses[i - 1].at;
    if (is_new && (starts || !is_open)) most = i;
    if (action != PressAction::kNone) is_open = starts;
  }
  return most;
}

}  // namespace fieldpost::coordinator
