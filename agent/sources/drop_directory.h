#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

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

/// A file of which all is on disk as a body.
struct StoredFile {
  std::string name;
  rt::FileInfo info;  ///< when it was read
  wire::Sha256Digest hash;
};

struct PutAway {
  rt::Status status = rt::ok();
  std::string name;  ///< that it has now, when it could not be put away
};

inline constexpr std::size_t kDropFilesMax = 1000;  ///< of each kind that one look keeps

/// * for any bytes, ? for one.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

/// What a file was called when it was dropped: before it is put away it is called
/// ".fieldpost-NAME", and stays so when the process ends there, or when that cannot be done.
[[nodiscard]] std::string_view dropped_name(std::string_view name);

/// Empty files are about to be written: they are passed over, as are names that begin with a dot,
/// but for `dropped_name`, and what is no regular file. kNotFound, kDenied or kIo: of the
/// directory.
rt::Result<DropScan> scan_drop(rt::Files& files, const DropLook& look);

/// Deletes the file, or moves it to `done_path` when that is not empty. Only that file: when
/// another one has its name by now, or takes it in this moment, that one stays, under its name or
/// as ".fieldpost-NAME", and nothing is wrong. kBusy: such a name is taken by one that is not
/// stored yet; kNotFound, kDenied, kIo: the file stays.
PutAway put_away(rt::Files& files, const std::string& directory, const StoredFile& file,
                 const std::string& done_path);

}  // namespace fieldpost::agent
