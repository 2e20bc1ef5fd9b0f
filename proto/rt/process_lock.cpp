#include "proto/rt/process_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>

#include "proto/rt/errno_error.h"

namespace fieldpost::rt {

Result<FileDescriptor> lock_directory(const std::string& directory, std::string_view program) {
  const std::string path = directory + "/lock";
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return errno_error(errno, fmt::format("opening {}", path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return errno_error(errno, fmt::format("locking {}", path));
  return Error{Errc::kBusy,
               fmt::format("another {} runs on {}: stop it first", program, directory)};
}

}  // namespace fieldpost::rt
