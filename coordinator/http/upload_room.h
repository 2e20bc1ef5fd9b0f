#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

inline constexpr std::uint64_t kUploadBytesMax = 32ull << 30;  ///< of uploads that are not whole
inline constexpr std::size_t kUploadFilesMax = 4096;           ///< and so many of them
/// One that nobody touched for longer gives way when a new one finds no room.
inline constexpr rt::Nanos kUploadStalled = rt::Seconds{3'600};

/// Of the file of an upload: its hash and size, so that what somebody else says of the same hash
/// is another file, and its size is known without anybody who goes on with it.
[[nodiscard]] std::string upload_name(const wire::Sha256Digest& hash, std::uint64_t size);

/// The directory of uploads, and what they take of the disk: each what it has when it is whole, so
/// that one that was begun can be brought to its end. One thread.
class UploadRoom {
 public:
  UploadRoom(rt::Files& files, rt::Log& log, std::string directory)
      : files_(files), log_(log), directory_(std::move(directory)) {}

  /// Somebody goes on with it, or asks how much is here.
  void touch(const std::string& name, rt::UnixTime now);
  /// Before each write, which is a touch: there is room for all of it until `release`, or until it
  /// gives way. For a new one those that are stalled do so, longest first. kFull: there is no room.
  rt::Status reserve(const std::string& name, std::uint64_t size, rt::UnixTime now);
  void release(const std::string& name);
  /// Takes away files that changed last before `before`, but those of `held`, and counts anew.
  rt::Status sweep(const std::set<std::string>& held, rt::UnixTime before);

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  struct Begun {
    std::uint64_t size = 0;
    rt::UnixTime touched;
  };
  [[nodiscard]] bool has_room(std::uint64_t size) const;
  rt::Status make_room(std::uint64_t size, rt::UnixTime now);

  rt::Files& files_;
  rt::Log& log_;
  std::string directory_;
  std::map<std::string, Begun> begun_;  ///< by name
  std::uint64_t bytes_ = 0;             ///< sum of their sizes
  bool counted_ = false;                ///< what an earlier process left
};

}  // namespace fieldpost::coordinator
