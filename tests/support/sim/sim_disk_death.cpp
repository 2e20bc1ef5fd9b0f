#include <algorithm>
#include <utility>

#include "proto/rt/result.h"
#include "tests/support/sim/sim_disk.h"

/// What a disk looks like after its process, or its machine, has died.
namespace fieldpost::sim {

namespace {

using Guard = std::lock_guard<std::mutex>;

constexpr std::uint64_t kSectorBytes = 512;

/// How a drive treats what it was not told to keep.
enum class Mood : std::uint8_t { kLosesAll, kKeepsAll, kKeepsSome };

void keep_some_sectors(std::string& content, const DiskFile::Change& change, Dice& dice) {
  for (std::uint64_t at = 0; at < change.bytes.size();) {
    const std::uint64_t into = (change.offset + at) % kSectorBytes;
    const std::uint64_t size = std::min(kSectorBytes - into, change.bytes.size() - at);
    if (dice.chance(50)) {
      const std::uint64_t end = change.offset + at + size;
      if (content.size() < end) content.resize(end);
      content.replace(change.offset + at, size, change.bytes, at, size);
    }
    at += size;
  }
}

void lose_power(DiskFile& file, Dice& dice) {
  const auto mood = Mood(dice.below(3));
  if (mood == Mood::kKeepsAll) file.durable = file.content;
  for (const DiskFile::Change& change : file.unsynced) {
    if (mood != Mood::kKeepsSome) break;
    if (!change.truncate) {
      keep_some_sectors(file.durable, change, dice);
    } else if (dice.chance(50)) {
      file.durable.resize(change.offset);
    }
  }
  file.unsynced.clear();
  file.content = file.durable;
  file.entry_durable = true;
}

}  // namespace

void SimDisk::stop() {
  const Guard lock(mutex_);
  stopped_ = true;
}

void SimDisk::stop_at(std::uint64_t call, std::function<void()> stopped) {
  const Guard lock(mutex_);
  calls_until_stop_ = call;
  on_stopped_ = std::move(stopped);
}

bool SimDisk::is_stopped() const {
  const Guard lock(mutex_);
  return stopped_;
}

void SimDisk::check_nothing_is_open() const {
  for (const auto& [path, file] : names_) FP_CHECK(file.use_count() == 1);
}

void SimDisk::restart_after_kill() {
  const Guard lock(mutex_);
  check_nothing_is_open();
  stopped_ = false;
  calls_until_stop_ = 0;
}

void SimDisk::restart_after_power_cut(Dice& dice) {
  const Guard lock(mutex_);
  check_nothing_is_open();
  std::map<std::string, DiskFilePtr> survivors;
  for (const auto& [path, file] : names_) {
    if (file->entry_durable || dice.chance(50)) survivors[path] = file;
  }
  for (const auto& [path, file] : ghosts_) {
    if (!survivors.contains(path) && dice.chance(50)) survivors[path] = file;
  }
  for (const auto& [path, file] : survivors) lose_power(*file, dice);
  names_ = std::move(survivors);
  ghosts_.clear();
  stopped_ = false;
  calls_until_stop_ = 0;
}

SimDisk::Image SimDisk::snapshot() const {
  const Guard lock(mutex_);
  Image image;
  for (const auto& [path, file] : names_) image[path] = file->content;
  return image;
}

void SimDisk::restore(const Image& image) {
  const Guard lock(mutex_);
  check_nothing_is_open();
  names_.clear();
  ghosts_.clear();
  for (const auto& [path, content] : image) {
    auto file = std::make_shared<DiskFile>();
    file->inode = ++last_inode_;
    file->content = file->durable = content;
    file->entry_durable = true;
    names_[path] = std::move(file);
  }
}

void SimDisk::flip_bit(const std::string& path, std::uint64_t bit) {
  const Guard lock(mutex_);
  DiskFile& file = *names_.at(path);
  for (std::string* bytes : {&file.content, &file.durable}) {
    if (bit / 8 >= bytes->size()) continue;
    char& byte = (*bytes)[bit / 8];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
  }
}

}  // namespace fieldpost::sim
