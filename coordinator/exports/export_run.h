#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/exports/export_bounds.h"
#include "coordinator/exports/export_journal.h"
#include "coordinator/exports/export_plan.h"
#include "coordinator/exports/sample_writer.h"
#include "coordinator/store/export_table.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/output_file.h"

namespace fieldpost::coordinator {

struct ExportProgress {
  std::uint64_t files = 0, files_total = 0;  ///< sample files
  std::uint64_t readings = 0;
  std::uint64_t bytes = 0;
};

/// One export on its way: files below `<directory>/<experiment's id>/`, one after the other, each
/// in steps. What is whole stands in a journal beside them, so that a run that is made again for
/// the same row goes on behind it. Bounded memory: a page of readings and the row group in the
/// making. One thread at a time (a worker).
class ExportRun {
 public:
  /// `directory` is the export's own and is made if it is not there. kFull, also of a step: more
  /// than `bodies_max` frames and files.
  static rt::Result<std::unique_ptr<ExportRun>> make(StudyReader& reader, rt::Files& files,
                                                     const ExportRow& row,
                                                     const std::string& directory,
                                                     const std::string& version,
                                                     std::size_t bodies_max = kExportBodiesMax);

  /// Goes on by about kStepReadings; false when all is done. After a failure the run is over; one
  /// that is made again goes on.
  rt::Result<bool> step(StudyReader& reader);
  [[nodiscard]] const ExportProgress& progress() const { return progress_; }
  [[nodiscard]] const std::string& experiment_id() const { return snapshot_.experiment.id; }

  static constexpr std::size_t kStepReadings = 1 << 18;

 private:
  /// The file that is being written.
  struct Current {
    wire::OutputFile out;
    std::unique_ptr<SampleWriter> writer;  ///< null: nothing was found yet
    std::vector<std::size_t> series;       ///< of the snapshot
    std::size_t series_at = 0, part_at = 0;
    std::int64_t from = INT64_MIN;  ///< in the part; lower than its start: at its start
    bool has_bodies = false;        ///< some series of the file tells of bodies
    FileEntry entry;
  };

  ExportRun(rt::Files& files, const ExportRow& row, std::string directory, std::string version,
            std::size_t bodies_max)
      : files_(files),
        row_(row),
        directory_(std::move(directory)),
        version_(std::move(version)),
        bodies_max_(bodies_max) {}
  rt::Status begin(StudyReader& reader);
  rt::Status load_offsets(StudyReader& reader);
  rt::Status write_document(const std::string& path, const std::string& text);
  rt::Status write_log(StudyReader& reader, const std::string& path);
  rt::Status close_document(const std::string& path, wire::OutputFile& out);
  rt::Status open_file(const ExportFile& file, bool has_bodies);
  rt::Result<bool> step_file(StudyReader& reader);
  rt::Status note_bodies(const BodiesByPath& bodies);
  rt::Status add_page(const ExportFile& file, const StudySeries& series, const ExportPart& part,
                      const BodiesByPath& bodies);
  rt::Status close_file();
  rt::Status finish(StudyReader& reader);
  rt::Result<std::set<std::string>> list_bodies(StudyReader& reader);
  [[nodiscard]] SampleFileHead head_of(const ExportFile& file) const;
  [[nodiscard]] std::string path_of(const std::string& relative) const;
  rt::Status make_parent(const std::string& relative);

  rt::Files& files_;
  ExportRow row_;
  std::string directory_, version_;
  std::size_t bodies_max_;
  ExportRequest request_;
  StudySnapshot snapshot_;
  MembersByNo members_;
  BootOffsets offsets_;
  std::vector<ExportFile> plan_;
  std::size_t at_ = 0;  ///< file of the plan
  std::unique_ptr<Current> current_;
  ReadingColumns page_;
  std::unique_ptr<ExportJournal> journal_;
  std::set<std::string> bodies_seen_;  ///< paths of those that the files so far tell of
  std::string made_parent_;
  bool finished_ = false;
  ExportProgress progress_;
};

}  // namespace fieldpost::coordinator
