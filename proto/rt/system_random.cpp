#include "proto/rt/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "proto/rt/result.h"

namespace fieldpost::rt {

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      FP_CHECK(errno == EINTR);
      continue;
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace fieldpost::rt
