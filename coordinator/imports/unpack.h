#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// Whether a file has to be unpacked: it is compressed (gzip, zstd, xz, bzip2) or a tar archive.
rt::Result<bool> is_packed(rt::Files& files, const std::string& path);

/// Unpacks a file piece by piece: a tar archive's files below a directory under their names, or
/// the one file that was compressed as kSingleName. Links, devices, files with holes and names that
/// lead elsewhere are refused. One thread at a time.
class Unpacker {
 public:
  static constexpr const char* kSingleName = "data";
  static constexpr std::uint64_t kFilesMax = 500'000;
  static constexpr std::uint64_t kFreeBytesLeast = 1 << 30;  ///< left on the disk

  /// `files` outlives it.
  Unpacker(rt::Files& files, std::string path, std::string directory);
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// Goes on by about kStepBytes; false when all is unpacked and on disk. kInvalid: the archive is
  /// damaged or has what it must not; kFull: the disk would run full.
  rt::Result<bool> step();

  static constexpr std::uint64_t kStepBytes = 16 << 20;
  /// How much of the packed file was read, 0 to 1.
  [[nodiscard]] double part() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::coordinator
