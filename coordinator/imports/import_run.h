#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/imports/import_request.h"
#include "coordinator/imports/import_source.h"
#include "coordinator/imports/study_archive.h"
#include "coordinator/imports/unpack.h"
#include "coordinator/store/store.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/body.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

enum class ImportPhase : std::uint8_t { kChecking, kUnpacking, kVerifying, kStoring };
[[nodiscard]] std::string_view to_string(ImportPhase phase);  ///< "checking"

/// What a step of a run wants of the store.
struct ImportWork {
  bool is_empty = true;  ///< nothing yet: ask for the next step
  bool is_last = false;  ///< when it is stored, all is
  ImportStep step;
  Store::AlsoImported also;
};

/// One import on its way: the file is checked and unpacked, then read in steps. What was stored
/// stands in its row, so that a run that is made again goes on behind it. Of an archive every file
/// is verified against the manifest before anything of it is stored; then come frames and files,
/// the samples that tell of them, and the experiment last. One thread at a time (a worker).
class ImportRun {
 public:
  /// `path` is the file that came; beside it lies what is unpacked. `files` and `clock` outlive it.
  ImportRun(rt::Files& files, const rt::WallClock& clock, const ImportRow& row, std::string path);

  /// The next step; the one before is stored. After a failure the run is over. kInvalid: the file
  /// is not what it should be; if its bytes are not those of its hash, it is removed.
  rt::Result<ImportWork> step();
  [[nodiscard]] ImportPhase phase() const { return phase_; }
  [[nodiscard]] double part() const { return part_; }  ///< of the phase, 0 to 1

  /// Takes away what lies there for the file at `path`.
  static rt::Status remove_files(rt::Files& files, const std::string& path);

 private:
  /// A file that is brought in: samples, or a body.
  struct Item {
    std::string path;
    ImportFormat format = ImportFormat::kParquet;
    std::optional<wire::BodyReference> body;
  };

  rt::Status begin();
  rt::Result<bool> check_on();
  rt::Status begin_unpacking();
  rt::Result<bool> unpack_on();
  rt::Status plan();
  rt::Status plan_archive();
  rt::Status begin_reading();
  rt::Result<bool> verify_on();
  rt::Status open_samples();
  rt::Result<ImportWork> read_on();
  ImportWork take_bodies();
  rt::Result<ImportWork> finish_on();
  ImportWork store_gaps();
  rt::Status parse_documents();
  rt::Result<ImportWork> store_study();
  rt::Result<ImportWork> store_log();
  [[nodiscard]] ImportWork last_work() const;
  rt::Result<std::string> read_document(std::string_view prefix);
  [[nodiscard]] std::string unpacked() const { return path_ + ".d"; }

  rt::Files& files_;
  const rt::WallClock& clock_;
  ImportRow row_;
  std::string path_;
  ImportRequest request_;
  ImportPhase phase_ = ImportPhase::kChecking;
  double part_ = 0;
  bool begun_ = false;

  std::uint64_t checked_ = 0;  ///< bytes of the file that is hashed
  wire::Sha256 hash_;
  std::unique_ptr<Unpacker> unpacker_;
  bool was_unpacked_ = false;  ///< by this run
  std::string root_;           ///< directory of the manifest
  ArchiveManifest manifest_;
  std::size_t verified_ = 0;              ///< files of the manifest
  std::vector<Item> items_;               ///< bodies first
  std::unique_ptr<ImportSource> source_;  ///< of items_[row_.place.file]
  std::size_t gaps_stored_ = 0;           ///< of the manifest
  std::shared_ptr<const ArchivedStudy> study_;
  bool study_stored_ = false;
  std::uint64_t log_offset_ = 0;
};

}  // namespace fieldpost::coordinator
