#include "proto/rt/system_clock.h"

#include <sys/timex.h>
#include <time.h>

#include <cctype>
#include <cerrno>
#include <fstream>
#include <string>

#include "proto/rt/errno_error.h"

namespace fieldpost::rt {

namespace {

std::uint8_t nibble(char digit) {
  return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/// All zero where the kernel does not tell.
BootId load_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string digits;
  for (char c = 0; file.get(c);) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits += c;
  }
  BootId id{};
  if (digits.size() != id.size() * 2) return id;
  for (std::size_t i = 0; i < id.size(); ++i) {
    id[i] = static_cast<std::uint8_t>(nibble(digits[2 * i]) << 4U | nibble(digits[2 * i + 1]));
  }
  return id;
}

}  // namespace

SystemClock::SystemClock() : boot_id_(load_boot_id()) {}

UnixTime SystemClock::now() const {
  timespec time{};
  FP_CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec};
}

bool SystemClock::synchronised() const {
  const auto synchronised = try_synchronised();
  return synchronised && *synchronised;
}

Result<bool> SystemClock::try_synchronised() const {
  timex state{};
  const int code = adjtimex(&state);
  if (code < 0) return errno_error(errno, "asking whether the clock is synchronised (adjtimex)");
  return code != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

}  // namespace fieldpost::rt
