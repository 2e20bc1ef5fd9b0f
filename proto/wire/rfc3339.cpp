#include "proto/wire/rfc3339.h"

#include <fmt/format.h>

#include <chrono>

namespace fieldpost::wire {

std::string format_rfc3339(rt::UnixTime time) {
  using namespace std::chrono;
  const nanoseconds since_epoch(time.ns);
  const auto second = floor<seconds>(since_epoch);
  const auto day = floor<days>(second);  // of nanoseconds it would overflow in 1677
  const year_month_day date{sys_days(day)};
  const hh_mm_ss clock(second - day);
  const nanoseconds rest = since_epoch % seconds(1);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     (rest < nanoseconds(0) ? rest + seconds(1) : rest).count());
}

}  // namespace fieldpost::wire
