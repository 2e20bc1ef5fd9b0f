#pragma once

#include "proto/rt/result.h"

namespace fieldpost::cli {

/// What a script may rely on.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 69;
inline constexpr int kExitNotPermitted = 77;
inline constexpr int kExitConfig = 78;

[[nodiscard]] constexpr int exit_code_of(rt::Errc code) {
  switch (code) {
    case rt::Errc::kInvalid: return kExitUsage;
    case rt::Errc::kDenied: return kExitNotPermitted;
    case rt::Errc::kUnavailable: return kExitUnreachable;
    case rt::Errc::kBusy:
    case rt::Errc::kNotFound:
    case rt::Errc::kFull:
    case rt::Errc::kCorrupt:
    case rt::Errc::kIo: return kExitFailed;
  }
  return kExitFailed;
}

}  // namespace fieldpost::cli
