#include "tests/support/sim/sim_disk.h"

#include <algorithm>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::sim {

namespace {

using Guard = std::lock_guard<std::mutex>;

void put(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  content.replace(offset, bytes.size(), bytes);
}

void apply(std::string& content, const DiskFile::Change& change) {
  if (change.truncate) {
    content.resize(change.offset);
  } else {
    put(content, change.offset, change.bytes);
  }
}

}  // namespace

bool SimDisk::stops_at(DiskCall call) {
  if ((static_cast<unsigned>(call) & kChangingCalls) == 0) return false;
  changing_calls_ += 1;
  if (calls_until_stop_ == 0 || --calls_until_stop_ > 0) return false;
  stopped_ = true;
  if (on_stopped_) on_stopped_();
  return true;
}

bool SimDisk::failure_hits(DiskCall call) {
  if ((static_cast<unsigned>(call) & failure_.calls) == 0 || failure_.at == 0) return false;
  if (failure_.at > 1) {
    failure_.at -= 1;
    return false;
  }
  failure_fired_ = true;
  if (!failure_.for_ever) failure_.at = 0;
  return true;
}

DiskAnswer SimDisk::admit(DiskCall call) {
  if (stopped_ || stops_at(call)) return DiskAnswer::kIo;
  return failure_hits(call) ? failure_.answer : DiskAnswer::kDone;
}

DiskAnswer SimDisk::open(const std::string& path, bool create, DiskFilePtr& file) {
  const Guard lock(mutex_);
  if (const auto answer = admit(DiskCall::kOpen); answer != DiskAnswer::kDone) return answer;
  const auto found = names_.find(path);
  if (found == names_.end() && !create) return DiskAnswer::kNotFound;
  if (found != names_.end()) {
    file = found->second;
  } else {
    file = std::make_shared<DiskFile>();
    file->inode = ++last_inode_;
    names_.emplace(path, file);
  }
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::read(const DiskFile& file, std::uint64_t offset, std::span<char> out,
                         std::size_t& got) {
  const Guard lock(mutex_);
  got = 0;
  if (const auto answer = admit(DiskCall::kRead); answer != DiskAnswer::kDone) return answer;
  if (offset < file.content.size()) got = file.content.copy(out.data(), out.size(), offset);
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::write(DiskFile& file, std::uint64_t offset, std::string_view bytes) {
  const Guard lock(mutex_);
  if (const auto answer = admit(DiskCall::kWrite); answer != DiskAnswer::kDone) return answer;
  if (!has_room(file, offset + bytes.size())) return DiskAnswer::kFull;
  put(file.content, offset, bytes);
  file.unsynced.push_back({.offset = offset, .bytes = std::string(bytes), .truncate = false});
  bytes_written_ += bytes.size();
  file.modified_ns = now_ns_ ? now_ns_() : ++changes_;
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::truncate(DiskFile& file, std::uint64_t size) {
  const Guard lock(mutex_);
  if (const auto answer = admit(DiskCall::kTruncate); answer != DiskAnswer::kDone) return answer;
  if (!has_room(file, size)) return DiskAnswer::kFull;
  file.content.resize(size);
  file.modified_ns = now_ns_ ? now_ns_() : ++changes_;
  file.unsynced.push_back({.offset = size, .bytes = {}, .truncate = true});
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::sync(DiskFile& file) {
  const Guard lock(mutex_);
  const auto answer = admit(DiskCall::kSync);
  const auto changes = std::exchange(file.unsynced, {});
  if (answer != DiskAnswer::kDone) {
    // As Linux does: after a failed fsync the pages count as clean, and the next one succeeds
    // without having written them. A stopped disk keeps what a power cut will choose from.
    if (stopped_) file.unsynced = changes;
    return answer;
  }
  for (const DiskFile::Change& change : changes) apply(file.durable, change);
  syncs_ += 1;
  file.entry_durable = true;
  for (const auto& [path, named] : names_) {
    if (named.get() == &file) ghosts_.erase(path);
  }
  return DiskAnswer::kDone;
}

void SimDisk::set_clock(std::function<std::int64_t()> now_ns) {
  const Guard lock(mutex_);
  now_ns_ = std::move(now_ns);
}

void SimDisk::sync_directory(const std::string& prefix) {
  const Guard lock(mutex_);
  if (stopped_) return;
  std::erase_if(ghosts_, [&](const auto& ghost) { return ghost.first.starts_with(prefix); });
  for (const auto& [path, file] : names_) {
    if (path.starts_with(prefix)) file->entry_durable = true;
  }
}

DiskAnswer SimDisk::remove(const std::string& path, bool durably) {
  const Guard lock(mutex_);
  if (const auto answer = admit(DiskCall::kRemove); answer != DiskAnswer::kDone) return answer;
  const auto found = names_.find(path);
  if (found == names_.end()) return DiskAnswer::kNotFound;
  if (durably) {
    ghosts_.erase(path);
  } else if (found->second->entry_durable) {
    ghosts_[path] = found->second;
  }
  names_.erase(found);
  return DiskAnswer::kDone;
}

DiskAnswer SimDisk::rename(const std::string& from, const std::string& to) {
  const Guard lock(mutex_);
  if (const auto answer = admit(DiskCall::kRename); answer != DiskAnswer::kDone) return answer;
  const auto found = names_.find(from);
  if (found == names_.end()) return DiskAnswer::kNotFound;
  found->second->entry_durable = true;
  names_[to] = std::exchange(found->second, nullptr);
  names_.erase(from);
  ghosts_.erase(from);
  ghosts_.erase(to);
  return DiskAnswer::kDone;
}

DiskFilePtr SimDisk::find(const std::string& path) const {
  const Guard lock(mutex_);
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

std::uint64_t SimDisk::size(const DiskFile& file) const {
  const Guard lock(mutex_);
  return file.content.size();
}

std::vector<std::string> SimDisk::paths() const {
  const Guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [path, file] : names_) all.push_back(path);
  return all;
}

std::uint64_t SimDisk::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [path, file] : names_) bytes += file->content.size();
  return bytes;
}

bool SimDisk::has_room(const DiskFile& file, std::uint64_t size) const {
  return size <= file.content.size() || used() - file.content.size() + size <= bytes_max_;
}

void SimDisk::fail(DiskFailure failure) {
  const Guard lock(mutex_);
  failure_ = failure;
  failure_fired_ = false;
}

void SimDisk::heal() {
  const Guard lock(mutex_);
  failure_.at = 0;
  calls_until_stop_ = 0;
  bytes_max_ = std::numeric_limits<std::uint64_t>::max();
}

bool SimDisk::failure_fired() const {
  const Guard lock(mutex_);
  return failure_fired_;
}

void SimDisk::set_bytes_max(std::uint64_t bytes) {
  const Guard lock(mutex_);
  bytes_max_ = bytes;
}

std::uint64_t SimDisk::bytes_max() const {
  const Guard lock(mutex_);
  return bytes_max_;
}

std::uint64_t SimDisk::bytes_used() const {
  const Guard lock(mutex_);
  return used();
}

std::uint64_t SimDisk::changing_calls() const {
  const Guard lock(mutex_);
  return changing_calls_;
}

std::uint64_t SimDisk::syncs() const {
  const Guard lock(mutex_);
  return syncs_;
}

std::uint64_t SimDisk::bytes_written() const {
  const Guard lock(mutex_);
  return bytes_written_;
}

}  // namespace fieldpost::sim
