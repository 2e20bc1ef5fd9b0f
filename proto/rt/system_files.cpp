#include "proto/rt/system_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "proto/rt/errno_error.h"
#include "proto/rt/file_descriptor.h"

namespace fieldpost::rt {

namespace {

constexpr std::size_t kReadChunk = 64 * 1024;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

Error last_error(std::string_view verb, const std::string& path) {
  return errno_error(errno, fmt::format("{} {}", verb, path));
}

std::string parent_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Status sync_directory(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return last_error("syncing", path);
  return ok();
}

bool write_all(int fd, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno != EINTR) return false;
    if (done <= 0) continue;
    bytes.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return true;
}

Status write_synced(const std::string& path, std::string_view bytes, unsigned mode) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.is_open()) return last_error("creating", path);
  if (!write_all(fd.get(), 0, bytes)) return last_error("writing", path);
  // The mode that was asked for, whatever the umask and an old temporary file say.
  if (::fchmod(fd.get(), mode) != 0) return last_error("setting the mode of", path);
  if (::fsync(fd.get()) != 0) return last_error("syncing", path);
  if (::close(fd.release()) != 0) return last_error("closing", path);
  return ok();
}

Result<std::string> read_some(const FileDescriptor& fd, const std::string& path,
                              std::uint64_t offset, std::size_t bytes_max) {
  std::string bytes;
  while (bytes.size() < bytes_max) {
    const std::size_t had = bytes.size();
    bytes.resize(had + std::min(kReadChunk, bytes_max - had));
    const ssize_t got =
        ::pread(fd.get(), bytes.data() + had, bytes.size() - had, static_cast<off_t>(offset + had));
    bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) return last_error("reading", path);
  }
  return bytes;
}

FileInfo info_of(const struct stat& found) {
  const UnixTime modified{found.st_mtim.tv_sec * kNsPerSecond + found.st_mtim.tv_nsec};
  return {static_cast<std::uint64_t>(found.st_size), found.st_ino, modified, S_ISDIR(found.st_mode),
          S_ISREG(found.st_mode)};
}

}  // namespace

Result<std::string> SystemFiles::read(const std::string& path, std::uint64_t offset,
                                      std::size_t bytes_max) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return last_error("opening", path);
  return read_some(fd, path, offset, bytes_max);
}

Result<std::string> SystemFiles::read_no_follow(const std::string& path, std::uint64_t offset,
                                                std::size_t bytes_max) {
  // A pipe without a writer would be waited for, were it not for O_NONBLOCK.
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  const bool is_link = !fd.is_open() && errno == ELOOP;
  if (!is_link && (!fd.is_open() || ::fstat(fd.get(), &found) != 0)) {
    return last_error("opening", path);
  }
  if (is_link || !S_ISREG(found.st_mode)) {
    return Error{Errc::kInvalid, fmt::format("opening {}: it is no regular file", path)};
  }
  return read_some(fd, path, offset, bytes_max);
}

Status SystemFiles::write_durably(const std::string& path, std::string_view bytes, unsigned mode) {
  const std::string temporary = path + ".new";
  auto done = write_synced(temporary, bytes, mode);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) {
    done = last_error("renaming to", path);
  }
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return sync_directory(parent_of(path));
}

Status SystemFiles::write_at(const std::string& path, std::uint64_t offset, std::string_view bytes,
                             unsigned mode) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode));
  if (!fd.is_open()) return last_error("creating", path);
  if (!write_all(fd.get(), offset, bytes)) return last_error("writing", path);
  if (::close(fd.release()) != 0) return last_error("closing", path);
  return ok();
}

Status SystemFiles::sync(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return last_error("opening", path);
  return ::fsync(fd.get()) == 0 ? ok() : Status(last_error("syncing", path));
}

Status SystemFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return last_error("renaming", from);
  if (auto done = sync_directory(parent_of(to)); !done) return done;
  return parent_of(from) == parent_of(to) ? ok() : sync_directory(parent_of(from));
}

Status SystemFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return sync_directory(parent_of(path));
  return errno == ENOENT ? ok() : Status(last_error("removing", path));
}

Status SystemFiles::remove_all(const std::string& directory) {
  std::error_code failed;
  std::filesystem::remove_all(directory, failed);
  if (failed) return errno_error(failed.value(), fmt::format("removing {}", directory));
  return sync_directory(parent_of(directory));
}

Status SystemFiles::make_directories(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return errno_error(failed.value(), fmt::format("creating {}", path));
  return ok();
}

Result<FileInfo> SystemFiles::info(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return last_error("looking at", path);
  return info_of(found);
}

Result<FileInfo> SystemFiles::info_no_follow(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return last_error("looking at", path);
  return info_of(found);
}

Result<std::vector<std::string>> SystemFiles::list(const std::string& directory) {
  std::error_code failed;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    names.push_back(entry->path().filename().string());
  }
  if (failed) return errno_error(failed.value(), fmt::format("listing {}", directory));
  std::sort(names.begin(), names.end());
  return names;
}

Result<DiskSpace> SystemFiles::space(const std::string& path) {
  struct statvfs found {};
  if (::statvfs(path.c_str(), &found) != 0) return last_error("asking the space of", path);
  return DiskSpace{static_cast<std::uint64_t>(found.f_blocks) * found.f_frsize,
                   static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize};
}

}  // namespace fieldpost::rt
