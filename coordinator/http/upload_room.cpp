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

Status UploadRoom::reserve(const std::string& name, std::uint64_t size) {
  if (!counted_) {
    if (auto counted = sweep({}, kNever); !counted) return counted;
  }
  if (sizes_.contains(name)) return ok();
  if (sizes_.size() >= kUploadFilesMax || bytes_ > kUploadBytesMax ||
      size > kUploadBytesMax - bytes_) {
    return Error{Errc::kFull, "too many bodies were begun and not finished; try again later"};
  }
  if (auto made = files_.make_directories(directory_); !made) return made;
  sizes_.emplace(name, size);
  bytes_ += size;
  return ok();
}

void UploadRoom::release(const std::string& name) {
  const auto found = sizes_.find(name);
  if (found == sizes_.end()) return;
  bytes_ -= found->second;
  sizes_.erase(found);
}

Status UploadRoom::sweep(const std::set<std::string>& held, rt::UnixTime before) {
  if (auto made = files_.make_directories(directory_); !made) return made;
  const auto names = files_.list(directory_);
  if (!names) return names.error();
  std::map<std::string, std::uint64_t> sizes;
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
    bytes += sizes[name] = size_of(name, *info);
  }
  sizes_ = std::move(sizes);
  bytes_ = bytes;
  counted_ = true;
  return ok();
}

}  // namespace fieldpost::coordinator
