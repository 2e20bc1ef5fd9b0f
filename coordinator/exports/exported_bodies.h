#pragma once

#include <map>
#include <set>
#include <string>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/query/reading_query.h"
#include "proto/rt/result.h"
#include "proto/wire/body.h"

/// Bodies in exports: frames and files that samples or a logbook tell of.
namespace fieldpost::coordinator {

inline constexpr std::string_view kBodiesDirectory = "blobs/";

/// "blobs/<sha256>.jpg": where an export has it, below the experiment's directory.
[[nodiscard]] std::string body_path(const wire::BodyReference& reference);

/// Bodies by path, without their names.
using BodiesByPath = std::map<std::string, wire::BodyReference>;

/// Adds those that texts refer to.
void add_bodies(const ReadingColumns& readings, BodiesByPath& bodies);
/// Adds those that a logbook's entries have.
rt::Status add_attachments(StudyReader& reader, std::int64_t experiment, BodiesByPath& bodies);
/// Takes out those whose bytes are not here, or not of that size; their paths.
rt::Result<std::set<std::string>> take_missing(ReadingQuery& query, BodiesByPath& bodies);

}  // namespace fieldpost::coordinator
