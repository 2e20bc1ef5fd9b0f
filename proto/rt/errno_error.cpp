#include "proto/rt/errno_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace fieldpost::rt {

namespace {

Errc errc_of(int code) {
  switch (code) {
    case EAGAIN:
    case EBUSY:
    case EADDRINUSE: return Errc::kBusy;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT: return Errc::kUnavailable;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR: return Errc::kInvalid;
    case ENOENT: return Errc::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::kDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE: return Errc::kFull;
    default: return Errc::kIo;
  }
}

}  // namespace

Error errno_error(int code, std::string_view doing) {
  return {errc_of(code), fmt::format("{}: {}", doing, std::generic_category().message(code))};
}

}  // namespace fieldpost::rt
