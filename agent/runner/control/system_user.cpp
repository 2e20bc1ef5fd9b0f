#include "agent/runner/control/system_user.h"

#include <pwd.h>

#include <vector>

#include "proto/rt/errno_error.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kEntryBytes = 64 * 1024;  ///< above what sysconf suggests anywhere

}  // namespace

rt::Result<unsigned> find_user(const std::string& name) {
  std::vector<char> buffer(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  const int failed = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (failed != 0) return rt::errno_error(failed, "looking for the user " + name);
  if (found == nullptr) {
    return rt::Error{rt::Errc::kNotFound, "looking for the user " + name + ": there is none"};
  }
  return unsigned{entry.pw_uid};
}

}  // namespace fieldpost::agent::runner
