#include "coordinator/http/upload_file.h"

#include <algorithm>

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr unsigned kUploadMode = 0640;

}  // namespace

Result<bool> UploadFile::catch_up(rt::Files& files) {
  if (spoiled_) {
    if (auto gone = discard(files); !gone) return gone.error();
  }
  const auto info = files.info(path_);
  if (!info && info.error().code != Errc::kNotFound) return info.error();
  const std::uint64_t there = info ? info->size : 0;
  if (there < received_ || there > size_) {
    if (auto gone = discard(files); !gone) return gone.error();
    return true;
  }
  if (there == received_) return true;
  const auto piece =
      files.read(path_, received_, std::min<std::uint64_t>(kHashBytes, there - received_));
  if (!piece) return piece.error();
  if (piece->empty()) return Error{Errc::kIo, path_ + ": it became shorter"};
  hash_.add(*piece);
  received_ += piece->size();
  return received_ == there;
}

Status UploadFile::write(rt::Files& files, std::uint64_t offset, std::string_view bytes) {
  if (offset > received_) return ok();
  bytes.remove_prefix(std::min<std::uint64_t>(bytes.size(), received_ - offset));
  if (!bytes.empty()) {
    if (auto done = files.write_at(path_, received_, bytes, kUploadMode); !done) return done;
    hash_.add(bytes);
    received_ += bytes.size();
  }
  const std::uint64_t fresh = received_ - synced_;
  return fresh >= kSyncBytes || (fresh > 0 && is_whole()) ? sync(files) : ok();
}

Status UploadFile::sync(rt::Files& files) {
  auto done = files.sync(path_);
  if (done) {
    synced_ = received_;
  } else {
    // What reached the disk nobody knows now, and reading it would not tell.
    static_cast<void>(discard(files));
  }
  return done;
}

Status UploadFile::discard(rt::Files& files) {
  received_ = synced_ = 0;
  hash_ = {};
  auto gone = files.remove(path_);
  spoiled_ = !gone;
  return gone;
}

}  // namespace fieldpost::coordinator
