#include "tools/load/check.h"

#include <fmt/format.h>

namespace fieldpost::load {

Check compare(const Plan& plan, const Played& played, const Stored& stored) {
  Check check;
  check.strange = stored.strange;
  std::size_t found = stored.strange;
  for (std::size_t sample = 0; sample < plan.samples(); ++sample) {
    const std::size_t times = stored.times[sample];
    const Outcome outcome = played.requests[plan.request_of_sample(sample)].outcome;
    const bool is_accepted = outcome == Outcome::kAccepted;
    found += times;
    check.accepted += is_accepted ? 1 : 0;
    check.missing += is_accepted && times == 0 ? 1 : 0;
    check.twice += times > 1 ? 1 : 0;
    check.strange += outcome == Outcome::kUnsent ? times : 0;
    check.open += !is_accepted && outcome != Outcome::kUnsent && times > 0 ? 1 : 0;
  }
  // Readings of one series and time are one to whoever asks; the coordinator's count tells.
  if (stored.delivered > found) check.twice += stored.delivered - found;
  return check;
}

std::string describe(const Check& check) {
  const std::string open =
      check.open == 0 ? "" : fmt::format(" ({} more without a 204)", check.open);
  if (check.is_sound()) {
    return fmt::format("all of {} accepted samples are stored, each once{}", check.accepted, open);
  }
  return fmt::format(
      "NOT SOUND: of {} accepted samples {} are missing; {} are stored twice, {} "
      "readings are none of those that were sent{}",
      check.accepted, check.missing, check.twice, check.strange, open);
}

}  // namespace fieldpost::load
