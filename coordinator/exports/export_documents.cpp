#include "coordinator/exports/export_documents.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "coordinator/http/view_json.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::coordinator {
namespace {

using Json = nlohmann::ordered_json;
using rt::Result;

constexpr std::size_t kPage = 1000;
constexpr int kManifestVersion = 1;

std::string text_of(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string time_text(std::int64_t ns) {
  return wire::format_rfc3339(rt::UnixTime{ns});
}

Json parsed(const std::string& text) {
  return Json::parse(text, nullptr, false);
}

Json members_json(const std::vector<Member>& members) {
  Json out = Json::array();
  for (const Member& member : members) out.push_back(parsed(member_json(member)));
  return out;
}

Json series_json(const StudySnapshot& snapshot, std::size_t index) {
  const StudySeries& series = snapshot.series[index];
  const Sensor& sensor = snapshot.sensors[series.sensor];
  const std::string& unit = sensor.unit.empty() ? series.series.key.unit : sensor.unit;
  return {{"series", series.series.key.text()},
          {"node", series.series.node},
          {"sensor", sensor.name},
          {"unit", unit},
          {"type", wire::to_string(series.series.key.type)},
          {"calibration", sensor.calibration.coefficients}};
}

Json series_list(const StudySnapshot& snapshot, const ExportJournal& journal) {
  std::map<SeriesId, std::uint64_t> rows;
  for (const auto& [path, entry] : journal.entries()) {
    for (const auto& [series, count] : entry.series_rows) rows[series] += count;
  }
  Json out = Json::array();
  for (std::size_t s = 0; s < snapshot.series.size(); ++s) {
    const auto found = rows.find(snapshot.series[s].series.id);
    if (found == rows.end()) continue;
    Json item = series_json(snapshot, s);
    item["readings"] = found->second;
    out.push_back(std::move(item));
  }
  return out;
}

Json files_list(const ExportJournal& journal) {
  Json out = Json::array();
  for (const auto& [path, entry] : journal.entries()) {
    Json item = {
        {"path", path}, {"bytes", entry.written.size}, {"sha256", entry.written.sha256.hex()}};
    if (!entry.type.empty()) item["type"] = entry.type;
    if (entry.rows > 0) {
      item["readings"] = entry.rows;
      item["first_time"] = time_text(entry.first_time);
      item["last_time"] = time_text(entry.last_time);
    }
    out.push_back(std::move(item));
  }
  return out;
}

/// With whose and which series, beside the number that only this store knows.
Json flag_json(const StudySnapshot& snapshot, const HealthFlag& flag) {
  Json out = parsed(health_json(flag, TimeFormat::kRfc3339));
  const auto found = std::ranges::find_if(snapshot.series, [&](const StudySeries& each) {
    return flag.series != 0 && each.series.id == flag.series;
  });
  if (found == snapshot.series.end()) return out;
  out["node"] = found->series.node;
  out["series_key"] = found->series.key.text();
  return out;
}

/// The time that all recordings span together; nothing: there is none.
TimeRange span_of(const StudySnapshot& snapshot) {
  TimeRange span{INT64_MAX, INT64_MIN};
  for (const Recording& recording : snapshot.recordings) {
    span.from = std::min(span.from, recording.started);
    span.to = std::max(span.to, recording.stopped.value_or(snapshot.now));
  }
  return span;
}

/// Keys of those of the experiment's series that are meant.
Json keys_of(const StudySnapshot& snapshot, const std::vector<SeriesId>& series) {
  Json out = Json::array();
  for (const StudySeries& each : snapshot.series) {
    if (std::ranges::find(series, each.series.id) == series.end()) continue;
    out.push_back(each.series.key.text());
  }
  return out;
}

/// With where it was declared first, unless that is this store.
Json gap_json(const StudySnapshot& snapshot, const GapView& gap) {
  Json out = parsed(to_json(gap, TimeFormat::kRfc3339));
  if (gap.series) out["series_keys"] = keys_of(snapshot, *gap.series);
  if (gap.origin) out["origin"] = {{"store", gap.origin->store.hex()}, {"id", gap.origin->no}};
  return out;
}

/// What of the experiment's series was lost while it recorded, as the ledger has it.
Result<Json> gaps_list(StudyReader& reader, const StudySnapshot& snapshot) {
  std::map<std::string, std::vector<SeriesId>> by_node;
  for (const StudySeries& each : snapshot.series) {
    by_node[each.series.node].push_back(each.series.id);
  }
  const TimeRange span = span_of(snapshot);
  Json out = Json::array();
  for (const auto& [node, series] : by_node) {
    const GapFilter filter{node, series, span.from, span.to};
    for (std::int64_t after = 0;;) {
      const auto page = reader.ledger.gaps(filter, after, kPage);
      if (!page) return page.error();
      for (const GapView& gap : *page) {
        out.push_back(gap_json(snapshot, gap));
        after = gap.id;
      }
      if (page->size() < kPage) break;
    }
  }
  return out;
}

Json offsets_list(const BootOffsets& offsets, const ExportJournal& journal) {
  std::set<std::string> boots;
  for (const auto& [path, entry] : journal.entries()) {
    boots.insert(entry.boots.begin(), entry.boots.end());
  }
  std::map<std::string, std::int64_t> by_boot;
  for (const auto& [boot, offset] : offsets) by_boot.emplace(boot.hex(), offset);
  Json out = Json::array();
  for (const std::string& boot : boots) {
    const auto found = by_boot.find(boot);
    if (found != by_boot.end()) out.push_back({{"boot", boot}, {"offset_ns", found->second}});
  }
  return out;
}

Result<Json> outstanding_list(StudyReader& reader, const StudySnapshot& snapshot) {
  const auto outstanding =
      outstanding_of(reader.studies, reader.db, reader.query, snapshot.experiment, snapshot.now);
  if (!outstanding) return outstanding.error();
  Json out = Json::array();
  for (const Outstanding& each : *outstanding) {
    out.push_back(
        {{"node", each.node}, {"needed_until", time_text(each.needed_until)}, {"why", each.why}});
  }
  return out;
}

}  // namespace

std::string experiment_document(const StudySnapshot& snapshot) {
  Json out = parsed(experiment_json(snapshot.experiment, TimeFormat::kRfc3339));
  if (snapshot.config) {
    out["config"]["author"] = snapshot.config->author;
    out["config"]["created"] = time_text(snapshot.config->created);
  }
  out["sensors"] = parsed(sensors_json(snapshot.sensors));
  out["participants"] = members_json(snapshot.members.participants);
  out["operators"] = members_json(snapshot.members.operators);
  out["tasks"] = members_json(snapshot.members.tasks);
  const MembersByNo members = snapshot.members.by_no();
  Json recordings = Json::array();
  for (const Recording& recording : snapshot.recordings) {
    recordings.push_back(parsed(recording_json(recording, members, TimeFormat::kRfc3339)));
  }
  out["recordings"] = std::move(recordings);
  const bool some_open = std::ranges::any_of(
      snapshot.recordings, [](const Recording& recording) { return !recording.stopped; });
  if (some_open) out["recorded_until"] = time_text(snapshot.now);
  Json health = Json::array();
  for (const HealthFlag& flag : snapshot.health) health.push_back(flag_json(snapshot, flag));
  out["health"] = std::move(health);
  return text_of(out);
}

rt::Status write_log_document(StudyReader& reader, const StudySnapshot& snapshot,
                              wire::OutputFile& out) {
  const MembersByNo members = snapshot.members.by_no();
  std::map<std::int64_t, std::string> recordings;
  for (const Recording& each : snapshot.recordings) recordings.emplace(each.no, each.id);
  auto done = out.append("{\"experiment\": \"" + snapshot.experiment.id + "\", \"entries\": [");
  for (std::int64_t after = 0; done;) {
    const auto page = reader.studies.logbook.list(snapshot.experiment.no, after, kPage);
    if (!page) return page.error();
    std::string text;
    for (const LogEntry& entry : *page) {
      text += after == 0 ? "\n" : ",\n";
      text += entry_json(entry, members, recordings, TimeFormat::kRfc3339);
      after = entry.no;
    }
    done = out.append(text);
    if (page->size() < kPage) break;
  }
  return done ? out.append("\n]}\n") : done;
}

std::string progress_document(const StudySnapshot& snapshot) {
  Json out = Json::array();
  for (const ParticipantProgress& each :
       progress_of(snapshot.members, snapshot.recordings, snapshot.marks, snapshot.now)) {
    out.push_back(parsed(progress_json(each)));
  }
  return text_of({{"experiment", snapshot.experiment.id}, {"participants", std::move(out)}});
}

Result<std::string> manifest_document(StudyReader& reader, const StudySnapshot& snapshot,
                                      const ExportRequest& request, const ManifestFacts& facts,
                                      const ExportJournal& journal) {
  const auto store = reader.ledger.store_id();
  if (!store) return store.error();
  auto gaps = gaps_list(reader, snapshot);
  if (!gaps) return gaps.error();
  auto outstanding = outstanding_list(reader, snapshot);
  if (!outstanding) return outstanding.error();
  std::uint64_t readings = 0;
  for (const auto& [path, entry] : journal.entries()) readings += entry.rows;
  return text_of({{"manifest_version", kManifestVersion},
                  {"experiment", snapshot.experiment.id},
                  {"name", snapshot.experiment.name},
                  {"store", store->is_zero() ? Json() : Json(store->hex())},
                  {"request", parsed(encode(request))},
                  {"complete", outstanding->empty()},
                  {"outstanding", *std::move(outstanding)},
                  {"readings", readings},
                  {"series", series_list(snapshot, journal)},
                  {"gaps", *std::move(gaps)},
                  {"clock_offsets", offsets_list(facts.offsets, journal)},
                  {"bodies_missing", facts.bodies_missing},
                  {"files", files_list(journal)}});
}

std::vector<std::pair<std::string, std::string>> file_metadata(
    const StudySnapshot& snapshot, const ExportRequest& request, const ExportFile& file,
    const std::vector<std::size_t>& series) {
  Json list = Json::array();
  for (const std::size_t index : series) list.push_back(series_json(snapshot, index));
  const auto compact = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  return {{"fieldpost.experiment",
           compact({{"id", snapshot.experiment.id}, {"name", snapshot.experiment.name}})},
          {"fieldpost.file",
           compact({{"participant", file.participant}, {"date", file.date}, {"type", file.type}})},
          {"fieldpost.series", compact(list)},
          {"fieldpost.times", request.corrected ? "corrected" : "stored"}};
}

}  // namespace fieldpost::coordinator
