// Any text as a cron rule. What is understood is due, each time later than the one before; in UTC
// at a whole minute of a day of the rule.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coordinator/triggers/cron.h"
#include "coordinator/triggers/cron_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fieldpost;               // NOLINT: what is tested
  using namespace fieldpost::coordinator;  // NOLINT
  constexpr std::int64_t kMinuteNs = 60'000'000'000;
  constexpr rt::UnixTime kBegin{1'714'560'000'000'000'000};
  const auto rule = CronRule::parse({reinterpret_cast<const char*>(data), size});
  if (!rule) {
    FP_CHECK(rule.error().message.starts_with("cron expression "));
    return 0;
  }
  CronWalk walk(*rule, TimeZone(), kBegin);
  rt::UnixTime last = kBegin;
  for (int i = 0; i < 5; ++i) {
    const auto due = walk.next();
    FP_CHECK(due.has_value() || i > 0);
    if (!due) break;
    FP_CHECK(*due > last && due->ns % kMinuteNs == 0);
    FP_CHECK(next_due(*rule, TimeZone(), last) == *due);
    const std::chrono::sys_time<rt::Nanos> time{rt::Nanos(due->ns)};
    FP_CHECK(rule->is_of_day(std::chrono::floor<std::chrono::days>(time)));
    last = *due;
  }
  return 0;
}
