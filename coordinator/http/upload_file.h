#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

/// The file of one upload: what is here of it, and the hash of that. The disk decides what is here:
/// `catch_up` before each use takes in what an earlier process left, and what somebody took away.
/// One thread at a time.
class UploadFile {
 public:
  static constexpr std::size_t kHashBytes = 4 << 20;     ///< hashed in one call
  static constexpr std::uint64_t kSyncBytes = 16 << 20;  ///< written without a sync, about

  /// `size`: when it is whole.
  UploadFile(std::string path, std::uint64_t size) : path_(std::move(path)), size_(size) {}

  /// false: there is more to hash, call it again.
  rt::Result<bool> catch_up(rt::Files& files);
  /// After `catch_up`: puts a piece behind what is here. What is here already of it is passed over,
  /// and one that is too early is not taken. Synced as it grows, and when it is whole. On failure
  /// the next `catch_up` tells what is left.
  rt::Status write(rt::Files& files, std::uint64_t offset, std::string_view bytes);
  /// It begins again from the start.
  rt::Status discard(rt::Files& files);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] bool is_whole() const { return received_ == size_; }
  /// Nothing is here, and nothing has to be known of it.
  [[nodiscard]] bool is_blank() const { return received_ == 0 && !spoiled_; }
  [[nodiscard]] wire::Sha256Digest hash() const { return hash_.digest(); }

 private:
  rt::Status sync(rt::Files& files);

  std::string path_;
  std::uint64_t size_;
  std::uint64_t received_ = 0;  ///< and hashed
  std::uint64_t synced_ = 0;    ///< of these
  wire::Sha256 hash_;
  bool spoiled_ = false;  ///< the file has to go before anything else
};

}  // namespace fieldpost::coordinator
