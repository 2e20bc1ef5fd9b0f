#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/exports/export_journal.h"
#include "coordinator/exports/export_plan.h"
#include "proto/rt/result.h"

/// What an export says beside its samples. JSON; the same data give the same text.
namespace fieldpost::coordinator {

inline constexpr std::string_view kManifestName = "manifest.json";

/// The experiment, its config, protocol and recordings.
[[nodiscard]] std::string experiment_document(const StudySnapshot& snapshot);
rt::Status write_log_document(StudyReader& reader, const StudySnapshot& snapshot,
                              wire::OutputFile& out);
[[nodiscard]] std::string progress_document(const StudySnapshot& snapshot);
struct ManifestFacts {
  const BootOffsets& offsets;
  const std::set<std::string>& bodies_missing;  ///< paths of those whose bytes are not here
};
/// The store's id, counts, gaps, clock offsets, what is outstanding, and size and SHA-256 of every
/// other file.
rt::Result<std::string> manifest_document(StudyReader& reader, const StudySnapshot& snapshot,
                                          const ExportRequest& request, const ManifestFacts& facts,
                                          const ExportJournal& journal);
/// For the footer of a Parquet file: what its rows are.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> file_metadata(
    const StudySnapshot& snapshot, const ExportRequest& request, const ExportFile& file,
    const std::vector<std::size_t>& series);

}  // namespace fieldpost::coordinator
