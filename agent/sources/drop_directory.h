#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/files.h"

/// The directory of a `file_drop`, as its worker sees it.
namespace fieldpost::agent {

struct DroppedFile {
  std::string name;
  rt::FileInfo info;
};

/// What one look is for.
struct DropLook {
  std::string directory;
  std::string pattern;
  std::uint64_t bytes_max = 0;    ///< of one file
  std::set<std::string> resting;  ///< names that failed just now: they take no place from others
};

struct DropScan {
  std::vector<DroppedFile> files;      ///< the oldest, by change and name, then those that rest
  std::vector<DroppedFile> too_large;  ///< in the order of their names
  bool is_crowded = false;             ///< there are more files than were kept
};

inline constexpr std::size_t kDropFilesMax = 1000;  ///< of each kind that one look keeps

/// * for any bytes, ? for one.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

/// Empty files are about to be written: they are passed over, as are names that begin with a dot
/// and what is no regular file. kNotFound, kDenied or kIo: of the directory.
rt::Result<DropScan> scan_drop(rt::Files& files, const DropLook& look);

}  // namespace fieldpost::agent
