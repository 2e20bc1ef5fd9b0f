#include "coordinator/exports/exported_bodies.h"

#include <array>
#include <string_view>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kPageEntries = 1000;

/// What programs know such files by.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kEndings{
    {{"image/jpeg", ".jpg"},
     {"image/png", ".png"},
     {"image/gif", ".gif"},
     {"image/webp", ".webp"},
     {"image/tiff", ".tiff"},
     {"video/mp4", ".mp4"},
     {"video/webm", ".webm"},
     {"video/x-matroska", ".mkv"},
     {"audio/wav", ".wav"},
     {"audio/mpeg", ".mp3"},
     {"application/pdf", ".pdf"},
     {"application/zip", ".zip"},
     {"text/plain", ".txt"},
     {"text/csv", ".csv"}}};

void add(wire::BodyReference reference, BodiesByPath& bodies) {
  reference.name.clear();
  std::string path = body_path(reference);
  bodies.emplace(std::move(path), std::move(reference));
}

}  // namespace

std::string body_path(const wire::BodyReference& reference) {
  std::string path = std::string(kBodiesDirectory) + reference.hash.hex();
  for (const auto& [type, ending] : kEndings) {
    if (type == reference.type) path += ending;
  }
  return path;
}

void add_bodies(const ReadingColumns& readings, BodiesByPath& bodies) {
  for (const std::string& text : readings.texts) {
    if (auto reference = wire::decode_body_reference(text)) add(*std::move(reference), bodies);
  }
}

rt::Status add_attachments(StudyReader& reader, std::int64_t experiment, BodiesByPath& bodies) {
  for (std::int64_t after = 0;;) {
    const auto page = reader.studies.logbook.list(experiment, after, kPageEntries);
    if (!page) return page.error();
    for (const LogEntry& entry : *page) {
      for (const wire::BodyReference& each : entry.attachments) add(each, bodies);
      after = entry.no;
    }
    if (page->size() < kPageEntries) return rt::ok();
  }
}

rt::Result<std::set<std::string>> take_missing(ReadingQuery& query, BodiesByPath& bodies) {
  std::set<std::string> missing;
  for (auto each = bodies.begin(); each != bodies.end();) {
    const auto info = query.find_body(each->second.hash);
    if (!info) return info.error();
    if (*info && (*info)->complete && (*info)->size == each->second.size) {
      ++each;
    } else {
      missing.insert(each->first);
      each = bodies.erase(each);
    }
  }
  return missing;
}

}  // namespace fieldpost::coordinator
