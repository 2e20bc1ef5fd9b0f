#include "coordinator/http/upload_room.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr rt::UnixTime kNever{std::numeric_limits<std::int64_t>::min()};

/// At least what is there, also of a file with a name of another kind.
std::uint64_t size_of(const std::string& name, const rt::FileInfo& info) {
  std::uint64_t said = 0;
  const std::string_view digits = std::string_view(name).substr(name.rfind('-') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), said);
  return name.find('-') == std::string::npos ? info.size : std::max(said, info.size);
}

}  // namespace

std::string upload_name(const wire::Sha256Digest& hash, std::uint64_t size) {
  return fmt::format("{}-{}", hash.hex(), size);
}

void UploadRoom::touch(const std::string& name, rt::UnixTime now) {
  const auto found = begun_.find(name);
  if (found != begun_.end()) found->second.touched = now;
}

Status UploadRoom::reserve(const std::string& name, std::uint64_t size, rt::UnixTime now) {
  if (!counted_) {
    if (auto counted = sweep({}, kNever); !counted) return counted;
  }
  touch(name, now);
  if (begun_.contains(name)) return ok();
  if (auto made = make_room(size, now); !made) return made;
  if (auto made = files_.make_directories(directory_); !made) return made;
  begun_.emplace(name, Begun{size, now});
  bytes_ += size;
  return ok();
}

bool UploadRoom::has_room(std::uint64_t size) const {
  return begun_.size() < kUploadFilesMax && bytes_ <= kUploadBytesMax &&
         size <= kUploadBytesMax - bytes_;
}

Status UploadRoom::make_room(std::uint64_t size, rt::UnixTime now) {
  while (!has_room(size)) {
    const auto oldest = std::ranges::min_element(
        begun_, {}, [](const auto& each) { return each.second.touched.ns; });
    if (oldest == begun_.end() || now - oldest->second.touched <= kUploadStalled) {
      return Error{Errc::kFull, "too many bodies were begun and not finished; try again later"};
    }
    const std::string name = oldest->first;
    if (auto gone = files_.remove(directory_ + "/" + name); !gone) return gone;
    log_.warning("upload {}: it stood still, and its file goes: another one needs the room", name);
    release(name);
  }
  return ok();
}

void UploadRoom::release(const std::string& name) {
  const auto found = begun_.find(name);
  if (found == begun_.end()) return;
  bytes_ -= found->second.size;
  begun_.erase(found);
}

Status UploadRoom::sweep(const std::set<std::string>& held, rt::UnixTime before) {
  if (auto made = files_.make_directories(directory_); !made) return made;
  const auto names = files_.list(directory_);
  if (!names) return names.error();
  std::map<std::string, Begun> begun;
  std::uint64_t bytes = 0;
  for (const std::string& name : *names) {
    const std::string path = directory_ + "/" + name;
    const auto info = files_.info(path);
    if (!info && info.error().code == Errc::kNotFound) continue;  // it became a body just now
    if (!info) return info.error();
    if (info->is_directory) continue;
    if (!held.contains(name) && info->modified < before) {
      if (auto gone = files_.remove(path); !gone) return gone;
      continue;
    }
    const auto known = begun_.find(name);
    const rt::UnixTime touched = known == begun_.end() ? info->modified : known->second.touched;
    begun.emplace(name, Begun{size_of(name, *info), touched});
    bytes += begun.at(name).size;
  }
  begun_ = std::move(begun);
  bytes_ = bytes;
  counted_ = true;
  return ok();
}

}  // namespace fieldpost::coordinator
