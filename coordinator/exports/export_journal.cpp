#include "coordinator/exports/export_journal.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace fieldpost::coordinator {
namespace {

using nlohmann::json;

constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::uint64_t kJournalBytesMax = std::uint64_t{1} << 30U;
constexpr unsigned kMode = 0640;
constexpr std::string_view kBodiesAnew = "{\"bodies\":\"anew\"}\n";

std::string encode(const FileEntry& entry) {
  json out = {{"path", entry.path},
              {"bytes", entry.written.size},
              {"sha256", entry.written.sha256.hex()},
              {"rows", entry.rows},
              {"first", entry.first_time},
              {"last", entry.last_time},
              {"series", entry.series_rows},
              {"boots", entry.boots}};
  if (!entry.type.empty()) out["type"] = entry.type;
  for (const auto& [path, reference] : entry.bodies) out["bodies"].push_back(encode(reference));
  return out.dump() + "\n";
}

std::optional<FileEntry> decode(std::string_view line) {
  const json in = json::parse(line, nullptr, false);
  if (!in.is_object() || !in.contains("path") || !in["path"].is_string()) return std::nullopt;
  FileEntry entry;
  entry.path = in["path"].get<std::string>();
  entry.rows = in.value("rows", std::uint64_t{0});
  const auto digest = wire::Sha256Digest::from_hex(in.value("sha256", ""));
  if (!digest) return std::nullopt;
  entry.written = {in.value("bytes", std::uint64_t{0}), *digest};
  entry.first_time = in.value("first", INT64_MAX);
  entry.last_time = in.value("last", INT64_MIN);
  entry.series_rows = in.value("series", decltype(entry.series_rows)());
  entry.boots = in.value("boots", std::set<std::string>());
  entry.type = in.value("type", "");
  for (const std::string& text : in.value("bodies", std::vector<std::string>())) {
    const auto reference = wire::decode_body_reference(text);
    if (reference) entry.bodies.emplace(body_path(*reference), *reference);
  }
  return entry;
}

}  // namespace

rt::Result<ExportJournal> ExportJournal::open(rt::Files& files, std::string path) {
  ExportJournal journal(files, std::move(path));
  std::string rest;
  for (std::uint64_t at = 0; at < kJournalBytesMax;) {
    const auto piece = files.read(journal.path_, at, kReadBytes);
    if (!piece && piece.error().code == rt::Errc::kNotFound) return journal;
    if (!piece) return piece.error();
    if (piece->empty()) return journal;
    at += piece->size();
    rest += *piece;
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', begin)) {
      const std::string_view line = std::string_view(rest).substr(begin, end + 1 - begin);
      if (!journal.take(line)) return journal;
      journal.size_ += line.size();
      begin = end + 1;
    }
    rest.erase(0, begin);
  }
  return journal;
}

/// False: it is none of ours, and what follows neither.
bool ExportJournal::take(std::string_view line) {
  if (line == kBodiesAnew) {
    forget_bodies();
    return true;
  }
  auto entry = decode(line);
  if (!entry) return false;
  std::string name = entry->path;
  entries_.insert_or_assign(std::move(name), *std::move(entry));
  return true;
}

void ExportJournal::forget_bodies() {
  std::erase_if(entries_, [](const auto& each) { return each.second.is_body(); });
}

rt::Status ExportJournal::append(const std::string& lines) {
  if (auto done = files_->write_at(path_, size_, lines, kMode); !done) return done;
  if (auto done = files_->sync(path_); !done) return done;
  size_ += lines.size();
  return rt::ok();
}

rt::Status ExportJournal::add(FileEntry entry) {
  if (auto done = append(encode(entry)); !done) return done;
  std::string name = entry.path;
  entries_.insert_or_assign(std::move(name), std::move(entry));
  return rt::ok();
}

rt::Status ExportJournal::set_bodies(std::vector<FileEntry> entries) {
  const auto is_there = [this](const FileEntry& entry) {
    const FileEntry* known = find(entry.path);
    return known != nullptr && encode(*known) == encode(entry);
  };
  const auto had =
      std::ranges::count_if(entries_, [](const auto& each) { return each.second.is_body(); });
  if (std::cmp_equal(had, entries.size()) && std::ranges::all_of(entries, is_there)) {
    return rt::ok();
  }
  std::string lines(kBodiesAnew);
  for (const FileEntry& each : entries) lines += encode(each);
  if (auto done = append(lines); !done) return done;
  forget_bodies();
  for (FileEntry& each : entries) {
    std::string name = each.path;
    entries_.insert_or_assign(std::move(name), std::move(each));
  }
  return rt::ok();
}

const FileEntry* ExportJournal::find(const std::string& path) const {
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace fieldpost::coordinator
