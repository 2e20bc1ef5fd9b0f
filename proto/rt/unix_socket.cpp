#include "proto/rt/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <filesystem>

#include "proto/rt/errno_error.h"

namespace fieldpost::rt {

namespace {

constexpr mode_t kSocketMode = 0660;

Error socket_error(std::string_view verb, const std::string& path) {
  return errno_error(errno, fmt::format("{} {}", verb, path));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{Errc::kInvalid, fmt::format("the socket path {} is longer than {} bytes", path,
                                             sizeof address.sun_path - 1)};
  }
  path.copy(address.sun_path, path.size());
  return address;
}

FileDescriptor open_socket() {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Status make_parent(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  if (parent.empty()) return ok();  // the working directory
  std::error_code failed;
  std::filesystem::create_directories(parent, failed);
  if (!failed) return ok();
  return errno_error(failed.value(), fmt::format("creating the parent of {}", path));
}

/// Makes way for us if what lies there is a socket that nobody listens on.
Status remove_stale(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return ok();
  if (!S_ISSOCK(found.st_mode)) {
    return Error{Errc::kInvalid, fmt::format("{} exists and is not a socket", path)};
  }
  if (connect_to(path)) {
    return Error{Errc::kBusy, fmt::format("another process listens on {}", path)};
  }
  return ::unlink(path.c_str()) == 0 ? ok() : Status(socket_error("removing", path));
}

}  // namespace

Result<FileDescriptor> connect_to(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  FileDescriptor fd = open_socket();
  if (!fd.is_open() || ::connect(fd.get(), generic(*address), sizeof *address) != 0) {
    return socket_error("connecting to", path);
  }
  return fd;
}

Result<FileDescriptor> listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  if (auto done = make_parent(path); !done) return done.error();
  if (auto done = remove_stale(path); !done) return done.error();
  FileDescriptor fd = open_socket();
  // The mode is set before anybody can connect.
  if (!fd.is_open() || ::bind(fd.get(), generic(*address), sizeof *address) != 0 ||
      ::chmod(path.c_str(), kSocketMode) != 0 || ::listen(fd.get(), kListenBacklog) != 0) {
    return socket_error("listening on", path);
  }
  return fd;
}

}  // namespace fieldpost::rt
