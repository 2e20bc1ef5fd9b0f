#include "proto/rt/result.h"

namespace fieldpost::rt {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kBusy: return "busy";
    case Errc::kUnavailable: return "unavailable";
    case Errc::kInvalid: return "invalid";
    case Errc::kNotFound: return "not found";
    case Errc::kDenied: return "denied";
    case Errc::kFull: return "full";
    case Errc::kCorrupt: return "corrupt";
    case Errc::kIo: return "io";
  }
  FP_CHECK(false);
}

}  // namespace fieldpost::rt
