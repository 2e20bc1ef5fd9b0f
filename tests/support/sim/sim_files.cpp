#include "tests/support/sim/sim_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::sim {

using rt::Errc;
using rt::Error;

namespace {

constexpr std::uint64_t kBytesTotal = std::uint64_t{64} << 30U;  // of a disk without a limit

/// The only place where the disk's answers become Errc.
rt::Status status_of(DiskAnswer answer, std::string_view verb, const std::string& path) {
  const std::string doing = fmt::format("{} {}", verb, path);
  switch (answer) {
    case DiskAnswer::kDone: return rt::ok();
    case DiskAnswer::kIo: return Error{Errc::kIo, doing + ": simulated input/output error"};
    case DiskAnswer::kFull: return Error{Errc::kFull, doing + ": simulated disk is full"};
    case DiskAnswer::kNotFound: return Error{Errc::kNotFound, doing + ": no such file"};
  }
  return rt::ok();
}

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

std::string SimFiles::follow(const std::string& path) const {
  const auto link = links_.find(path);
  return link == links_.end() ? path : link->second;
}

rt::Result<std::string> SimFiles::read(const std::string& path, std::uint64_t offset,
                                       std::size_t bytes_max) {
  DiskFilePtr file;
  if (auto done = status_of(disk_.open(follow(path), false, file), "opening", path); !done) {
    return done.error();
  }
  const std::uint64_t size = disk_.size(*file);
  std::string bytes(std::min<std::uint64_t>(bytes_max, size - std::min(offset, size)), '\0');
  std::size_t got = 0;
  if (auto done = status_of(disk_.read(*file, offset, bytes, got), "reading", path); !done) {
    return done.error();
  }
  bytes.resize(got);
  return bytes;
}

rt::Result<std::string> SimFiles::read_no_follow(const std::string& path, std::uint64_t offset,
                                                 std::size_t bytes_max) {
  if (links_.contains(path) || (!disk_.find(path) && is_directory(path))) {
    return Error{Errc::kInvalid, fmt::format("opening {}: it is no regular file", path)};
  }
  return read(path, offset, bytes_max);
}

rt::Status SimFiles::write_durably(const std::string& path, std::string_view bytes,
                                   unsigned /*mode*/) {
  if (!is_directory(parent_of(path))) return status_of(DiskAnswer::kNotFound, "creating", path);
  const std::string temporary = path + ".new";
  DiskFilePtr file;
  DiskAnswer answer = disk_.open(temporary, true, file);
  if (answer == DiskAnswer::kDone) answer = disk_.truncate(*file, 0);
  if (answer == DiskAnswer::kDone) answer = disk_.write(*file, 0, bytes);
  if (answer == DiskAnswer::kDone) answer = disk_.sync(*file);
  if (answer == DiskAnswer::kDone) answer = disk_.rename(temporary, path);
  if (answer != DiskAnswer::kDone) disk_.remove(temporary, false);
  return status_of(answer, "writing", path);
}

rt::Status SimFiles::write_at(const std::string& path, std::uint64_t offset, std::string_view bytes,
                              unsigned /*mode*/) {
  if (!is_directory(parent_of(path))) return status_of(DiskAnswer::kNotFound, "creating", path);
  DiskFilePtr file;
  DiskAnswer answer = disk_.open(path, true, file);
  if (answer == DiskAnswer::kDone) answer = disk_.write(*file, offset, bytes);
  return status_of(answer, "writing", path);
}

rt::Status SimFiles::sync(const std::string& path) {
  if (!disk_.find(path) && is_directory(path)) {
    disk_.sync_directory(path + "/");
    return rt::ok();
  }
  DiskFilePtr file;
  DiskAnswer answer = disk_.open(path, false, file);
  if (answer == DiskAnswer::kDone) answer = disk_.sync(*file);
  return status_of(answer, "syncing", path);
}

rt::Status SimFiles::rename(const std::string& from, const std::string& to) {
  if (before_rename_) std::exchange(before_rename_, nullptr)();
  if (!is_directory(parent_of(to))) return status_of(DiskAnswer::kNotFound, "renaming", from);
  if (auto link = links_.extract(from); !link.empty()) {
    disk_.remove(to, true);
    link.key() = to;
    links_.erase(to);
    links_.insert(std::move(link));
    return rt::ok();
  }
  const DiskAnswer answer = disk_.rename(from, to);
  if (answer == DiskAnswer::kDone) links_.erase(to);
  return status_of(answer, "renaming", from);
}

rt::Status SimFiles::remove(const std::string& path) {
  if (links_.erase(path) > 0) return rt::ok();
  if (is_directory(path)) return rt::Error{rt::Errc::kInvalid, "removing " + path};
  const DiskAnswer answer = disk_.remove(path, true);
  return answer == DiskAnswer::kNotFound ? rt::ok() : status_of(answer, "removing", path);
}

rt::Status SimFiles::remove_all(const std::string& directory) {
  const std::string below = directory + "/";
  for (const std::string& path : disk_.paths()) {
    if (!path.starts_with(below)) continue;
    if (auto done = remove(path); !done) return done;
  }
  std::erase_if(directories_, [&](const std::string& path) {
    return path == directory || path.starts_with(below);
  });
  return rt::ok();
}

rt::Status SimFiles::make_directories(const std::string& path) {
  for (std::string at = path; !at.empty(); at = parent_of(at)) directories_.insert(at);
  return rt::ok();
}

/// Directories also exist by what lies in them: a database made itself at home there.
bool SimFiles::is_directory(const std::string& path) const {
  if (path.empty() || directories_.contains(path)) return true;
  const auto paths = disk_.paths();
  return std::any_of(paths.begin(), paths.end(),
                     [&](const std::string& file) { return file.starts_with(path + "/"); });
}

rt::Result<rt::FileInfo> SimFiles::info(const std::string& path) {
  const std::string at = follow(path);
  if (const DiskFilePtr file = disk_.find(at)) {
    return rt::FileInfo{disk_.size(*file), file->inode, {file->modified_ns}, false, true};
  }
  if (is_directory(at)) return rt::FileInfo{.is_directory = true};
  return status_of(DiskAnswer::kNotFound, "looking at", path).error();
}

rt::Result<rt::FileInfo> SimFiles::info_no_follow(const std::string& path) {
  if (const auto link = links_.find(path); link != links_.end()) {
    return rt::FileInfo{.size = link->second.size()};
  }
  return info(path);
}

rt::Result<std::vector<std::string>> SimFiles::list(const std::string& directory) {
  if (!is_directory(directory)) {
    return status_of(DiskAnswer::kNotFound, "listing", directory).error();
  }
  std::set<std::string> names;
  auto all = disk_.paths();
  all.insert(all.end(), directories_.begin(), directories_.end());
  for (const auto& [path, to] : links_) all.push_back(path);
  for (const std::string& path : all) {
    if (!path.starts_with(directory + "/")) continue;
    const std::string below = path.substr(directory.size() + 1);
    names.insert(below.substr(0, below.find('/')));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

rt::Result<rt::DiskSpace> SimFiles::space(const std::string& path) {
  if (!is_directory(path) && !disk_.find(path)) {
    return status_of(DiskAnswer::kNotFound, "asking the space of", path).error();
  }
  const std::uint64_t total = std::min(disk_.bytes_max(), kBytesTotal);
  return rt::DiskSpace{total, total - std::min(total, disk_.bytes_used())};
}

}  // namespace fieldpost::sim
