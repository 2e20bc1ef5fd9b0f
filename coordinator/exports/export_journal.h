#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/exports/exported_bodies.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/output_file.h"

namespace fieldpost::coordinator {

/// A file of an export that is whole.
struct FileEntry {
  std::string path;  ///< below the experiment's directory
  wire::WrittenFile written;
  std::uint64_t rows = 0;                                       ///< of sample files
  std::int64_t first_time = INT64_MAX, last_time = INT64_MIN;   ///< ns; of no rows: these
  std::vector<std::pair<SeriesId, std::uint64_t>> series_rows;  ///< of each that has any
  std::set<std::string> boots;                                  ///< whose times were corrected, hex
  std::string type;     ///< of a body: its media type; empty: no body
  BodiesByPath bodies;  ///< that its samples tell of

  [[nodiscard]] bool is_body() const { return !type.empty(); }
};

/// Which files of an export are whole: a line of JSON each, synced after the file itself. Bodies
/// come last, behind a line that makes those before it void. Bounded by the files of an export. One
/// thread at a time.
class ExportJournal {
 public:
  /// Reads what is there; a torn last line is cut off.
  static rt::Result<ExportJournal> open(rt::Files& files, std::string path);
  rt::Status add(FileEntry entry);
  /// These are the bodies, and none that it had before; with one sync. The same again change
  /// nothing.
  rt::Status set_bodies(std::vector<FileEntry> entries);
  [[nodiscard]] const FileEntry* find(const std::string& path) const;
  /// Ordered by path.
  [[nodiscard]] const std::map<std::string, FileEntry>& entries() const { return entries_; }

 private:
  ExportJournal(rt::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}
  rt::Files* files_;
  rt::Status append(const std::string& lines);
  bool take(std::string_view line);
  void forget_bodies();

  std::string path_;
  std::uint64_t size_ = 0;
  std::map<std::string, FileEntry> entries_;
};

}  // namespace fieldpost::coordinator
