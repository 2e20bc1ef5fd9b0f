#include "coordinator/exports/export_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/exports/export_documents.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

namespace {

rt::Error too_many_bodies(std::size_t bodies_max) {
  return {rt::Errc::kFull, fmt::format("more than {} frames and files: export a part of them, by "
                                       "date or participant",
                                       bodies_max)};
}

}  // namespace

Result<std::unique_ptr<ExportRun>> ExportRun::make(StudyReader& reader, rt::Files& files,
                                                   const ExportRow& row,
                                                   const std::string& directory,
                                                   const std::string& version,
                                                   std::size_t bodies_max) {
  std::unique_ptr<ExportRun> run(new ExportRun(files, row, directory, version, bodies_max));
  if (auto done = run->begin(reader); !done) return done.error();
  return run;
}

Status ExportRun::begin(StudyReader& reader) {
  auto request = decode_export_request(row_.request);
  if (!request) return request.error();
  request_ = *std::move(request);
  auto snapshot = load_snapshot(reader, row_.experiment, row_.created);
  if (!snapshot) return snapshot.error();
  snapshot_ = *std::move(snapshot);
  members_ = snapshot_.members.by_no();
  if (auto done = load_offsets(reader); !done) return done;
  auto plan = plan_export(snapshot_, request_);
  if (!plan) return plan.error();
  plan_ = *std::move(plan);
  progress_.files_total = plan_.size();
  const std::string below = directory_ + "/" + snapshot_.experiment.id;
  if (auto done = files_.make_directories(below); !done) return done;
  auto journal = ExportJournal::open(files_, directory_ + "/journal");
  if (!journal) return journal.error();
  journal_ = std::make_unique<ExportJournal>(*std::move(journal));
  return ok();
}

Status ExportRun::note_bodies(const BodiesByPath& bodies) {
  for (const auto& [path, reference] : bodies) bodies_seen_.insert(path);
  return bodies_seen_.size() > bodies_max_ ? Status(too_many_bodies(bodies_max_)) : ok();
}

Status ExportRun::load_offsets(StudyReader& reader) {
  if (!request_.corrected) return ok();
  auto offsets = reader.ledger.boot_offsets();
  if (!offsets) return offsets.error();
  offsets_ = std::move(offsets.value());
  return ok();
}

std::string ExportRun::path_of(const std::string& relative) const {
  return fmt::format("{}/{}/{}", directory_, snapshot_.experiment.id, relative);
}

Result<bool> ExportRun::step(StudyReader& reader) {
  if (finished_) return false;
  if (at_ == plan_.size()) {
    if (auto done = finish(reader); !done) return done.error();
    finished_ = true;
    return false;
  }
  const ExportFile& file = plan_[at_];
  const FileEntry* entry = journal_->find(file.path);
  const auto info =
      entry == nullptr ? Result<rt::FileInfo>(rt::FileInfo{}) : files_.info(path_of(file.path));
  if (entry != nullptr && info && info->size == entry->written.size) {
    if (auto done = note_bodies(entry->bodies); !done) return done.error();
    progress_.files += 1;
    progress_.readings += entry->rows;
    progress_.bytes += entry->written.size;
    at_ += 1;
    return true;
  }
  if (!current_) {
    if (auto done = open_file(file, /*has_bodies=*/false); !done) return done.error();
  }
  const auto more = step_file(reader);
  if (!more || *more) return more;
  if (auto done = close_file(); !done) return done.error();
  at_ += 1;
  return true;
}

Status ExportRun::make_parent(const std::string& relative) {
  const std::string parent = path_of(relative.substr(0, relative.rfind('/')));
  if (parent == made_parent_) return ok();
  if (auto done = files_.make_directories(parent); !done) return done;
  made_parent_ = parent;
  return ok();
}

Status ExportRun::open_file(const ExportFile& file, bool has_bodies) {
  if (auto done = make_parent(file.path); !done) return done;
  current_ = std::make_unique<Current>(Current{wire::OutputFile(files_, path_of(file.path)),
                                               nullptr,
                                               series_of(file, snapshot_, request_),
                                               0,
                                               0,
                                               INT64_MIN,
                                               has_bodies,
                                               {}});
  current_->entry.path = file.path;
  return ok();
}

/// A page of readings, or the passing over of parts that have none; false at the file's end.
Result<bool> ExportRun::step_file(StudyReader& reader) {
  Current& now = *current_;
  const ExportFile& file = plan_[at_];
  for (std::size_t taken = 0; taken < kStepReadings;) {
    if (now.series_at == now.series.size()) return false;
    if (now.part_at == file.parts.size()) {
      now.series_at += 1;
      now.part_at = 0;
      continue;
    }
    const ExportPart& part = file.parts[now.part_at];
    const StudySeries& series = snapshot_.series[now.series[now.series_at]];
    bool more = false;
    if (has_node(snapshot_.recordings[part.recording].nodes, series.series.node)) {
      const TimeRange range{std::max(now.from, part.range.from), part.range.to};
      const auto page =
          reader.query.columns(series.series.id, range, kStepReadings, offsets_, page_);
      if (!page) return page.error();
      more = *page;
      BodiesByPath bodies;
      add_bodies(page_, bodies);
      if (!bodies.empty() && !now.has_bodies) {
        // Its rows get a column more: those before it are written anew.
        progress_.readings -= now.entry.rows;
        if (auto done = open_file(file, /*has_bodies=*/true); !done) return done.error();
        return true;
      }
      if (auto done = add_page(file, series, part, bodies); !done) return done.error();
      taken += page_.times.size();
    }
    now.from = more ? page_.times.back() + 1 : INT64_MIN;
    if (!more) now.part_at += 1;
    if (more) return true;
  }
  return true;
}

Status ExportRun::add_page(const ExportFile& file, const StudySeries& series,
                           const ExportPart& part, const BodiesByPath& bodies) {
  if (page_.times.empty()) return ok();
  Current& now = *current_;
  if (now.writer == nullptr) {
    auto writer = make_sample_writer(request_.format, head_of(file), now.out);
    if (!writer) return writer.error();
    now.writer = *std::move(writer);
  }
  const Recording& recording = snapshot_.recordings[part.recording];
  const Sensor& sensor = snapshot_.sensors[series.sensor];
  const auto name_of = [&](std::optional<std::int64_t> no) -> std::string_view {
    const auto found = members_.find(no.value_or(0));
    return found == members_.end() ? std::string_view() : std::string_view(found->second.name);
  };
  const std::string key = series.series.key.text();
  const SampleLabels labels{series.series.node,
                            sensor.name,
                            key,
                            recording.id,
                            name_of(recording.participant),
                            name_of(recording.task),
                            series.series.key.type,
                            &sensor.calibration};
  if (auto done = now.writer->add(labels, page_); !done) return done;
  FileEntry& entry = now.entry;
  entry.bodies.insert(bodies.begin(), bodies.end());
  if (auto done = note_bodies(bodies); !done) return done;
  const std::size_t count = page_.times.size();
  entry.rows += count;
  entry.first_time = std::min(entry.first_time, page_.times.front());
  entry.last_time = std::max(entry.last_time, page_.times.back());
  if (entry.series_rows.empty() || entry.series_rows.back().first != series.series.id) {
    entry.series_rows.emplace_back(series.series.id, 0);
  }
  entry.series_rows.back().second += count;
  for (const wire::Id128& boot : page_.corrected) entry.boots.insert(boot.hex());
  progress_.readings += count;
  return ok();
}

SampleFileHead ExportRun::head_of(const ExportFile& file) const {
  SampleFileHead head;
  head.created_by = "fieldpost version " + version_;
  for (const std::size_t index : current_->series) {
    const StudySeries& series = snapshot_.series[index];
    const wire::ValueType type = series.series.key.type;
    head.types.insert(type);
    head.has_calibrated_f64 |=
        type == wire::ValueType::kF64 && !snapshot_.sensors[series.sensor].calibration.is_none();
  }
  head.has_bodies = current_->has_bodies;
  head.metadata = file_metadata(snapshot_, request_, file, current_->series);
  return head;
}

Status ExportRun::close_file() {
  Current& now = *current_;
  if (now.writer != nullptr) {
    if (auto done = now.writer->finish(); !done) return done;
    const auto written = now.out.finish();
    if (!written) return written.error();
    now.entry.written = *written;
    progress_.bytes += written->size;
    if (auto done = journal_->add(now.entry); !done) return done;
  }
  progress_.files += 1;
  current_.reset();
  return ok();
}

Status ExportRun::close_document(const std::string& path, wire::OutputFile& out) {
  const auto written = out.finish();
  if (!written) return written.error();
  progress_.bytes += written->size;
  FileEntry entry;
  entry.path = path;
  entry.written = *written;
  return journal_->add(std::move(entry));
}

Status ExportRun::write_document(const std::string& path, const std::string& text) {
  wire::OutputFile out(files_, path_of(path));
  if (auto done = out.append(text); !done) return done;
  return close_document(path, out);
}

Status ExportRun::write_log(StudyReader& reader, const std::string& path) {
  wire::OutputFile out(files_, path_of(path));
  if (auto done = write_log_document(reader, snapshot_, out); !done) return done;
  return close_document(path, out);
}

/// Bodies are not copied: they are in the export as long as they are in the store. Returns the
/// paths of those whose bytes are not here.
Result<std::set<std::string>> ExportRun::list_bodies(StudyReader& reader) {
  BodiesByPath bodies;
  for (const auto& [path, entry] : journal_->entries()) {
    bodies.insert(entry.bodies.begin(), entry.bodies.end());
  }
  auto done = add_attachments(reader, snapshot_.experiment.no, bodies);
  if (!done) return done.error();
  if (bodies.size() > bodies_max_) return too_many_bodies(bodies_max_);
  auto missing = take_missing(reader.query, bodies);
  if (!missing) return missing;
  std::vector<FileEntry> entries;
  for (const auto& [path, reference] : bodies) {
    FileEntry entry;
    entry.path = path;
    entry.type = reference.type;
    entry.written = {reference.size, reference.hash};
    progress_.bytes += reference.size;
    entries.push_back(std::move(entry));
  }
  if (done = journal_->set_bodies(std::move(entries)); !done) return done.error();
  return missing;
}

Status ExportRun::finish(StudyReader& reader) {
  const std::string end = "_" + compact_time(snapshot_.experiment.created) + ".json";
  auto done = write_document("experiment" + end, experiment_document(snapshot_));
  if (done) done = write_log(reader, "experiment_log" + end);
  if (done) done = write_document("progress_participant" + end, progress_document(snapshot_));
  if (!done) return done;
  const auto missing = list_bodies(reader);
  if (!missing) return missing.error();
  const auto manifest =
      manifest_document(reader, snapshot_, request_, {offsets_, *missing}, *journal_);
  if (!manifest) return manifest.error();
  wire::OutputFile out(files_, path_of(std::string(kManifestName)));
  if (done = out.append(*manifest); !done) return done;
  const auto written = out.finish();
  if (!written) return written.error();
  progress_.bytes += written->size;
  return ok();
}

}  // namespace fieldpost::coordinator
