#include "coordinator/imports/import_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/imports/import_attempts.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr unsigned kUploadMode = 0640;

}  // namespace

struct ImportDesk::Job {
  std::string id;
  ImportRow row;                   ///< once it runs
  std::unique_ptr<ImportRun> run;  ///< the worker's while a step runs
  ImportProgress progress;         ///< as of the last step
  std::uint64_t nodes_made = 0;    ///< by this run
  std::vector<std::function<void()>> on_cancelled;
  [[nodiscard]] bool is_cancelled() const { return !on_cancelled.empty(); }
};

ImportDesk::ImportDesk(ImportDeskPorts ports, std::string directory)
    : ports_(std::move(ports)), directory_(std::move(directory)) {}

/// A stop in order is no attempt that ended with the process.
ImportDesk::~ImportDesk() {
  *alive_ = false;
  ports_.loop.cancel(sweep_timer_);
  if (running_) static_cast<void>(forget_attempts(ports_.files, path_of(jobs_.front()->id)));
}

void ImportDesk::run(std::function<void()> work, std::function<void()> done) {
  ports_.worker.run(std::move(work), [alive = alive_, done = std::move(done)] {
    if (*alive) done();
  });
}

void ImportDesk::start() {
  ports_.studies.ask<std::vector<ImportRow>>(
      [](StudyReader& reader) { return ImportTable(reader.db).unfinished(); },
      [this](const Result<std::vector<ImportRow>>& rows) {
        if (!rows) return ports_.log.warning("imports cannot go on: {}", rows.error().message);
        for (const ImportRow& row : *rows) {
          if (row.state != ImportState::kRunning) continue;
          ports_.log.info("import {} goes on", row.id);
          enqueue(row.id);
        }
        sweep();
      });
}

/// What lies there of no import that needs it goes: of uploads that nobody went on with, of what
/// failed long ago, and what a stop left behind.
void ImportDesk::sweep() {
  ports_.loop.cancel(sweep_timer_);
  sweep_timer_ = ports_.loop.after(kSweepEvery, [this] { sweep(); });
  const auto found = std::make_shared<std::map<std::string, std::int64_t>>();
  run(
      [this, found] {
        const auto names = ports_.files.list(directory_);
        if (!names) return;
        for (const std::string& name : *names) {
          const auto info = ports_.files.info(directory_ + "/" + name);
          std::int64_t& modified = (*found)[name.substr(0, name.find('.'))];
          modified = std::max(modified, info ? info->modified.ns : 0);
        }
      },
      [this, found] { sweep_next(found); });
}

/// One after the other: there may be more of them than questions that may wait.
void ImportDesk::sweep_next(const Leftovers& left) {
  if (left->empty()) return;
  const auto [id, modified] = *left->begin();
  left->erase(left->begin());
  ports_.studies.ask<ImportRow>(
      [id = id](StudyReader& reader) { return ImportTable(reader.db).find(id); },
      [this, id = id, modified = modified, left](const Result<ImportRow>& row) {
        const std::int64_t before = ports_.clock.now().ns - kFilesKeepNs;
        if (!row) {
          // Otherwise the next sweep may find out.
          if (row.error().code == Errc::kNotFound) sweep_files(id, left);
          return;
        }
        switch (row->state) {
          case ImportState::kUploading:
            if (modified >= before) break;
            ports_.log.warning("import {}: its file never came whole, and goes", id);
            return remove(id, [this, left](const Status&) { sweep_next(left); });
          case ImportState::kRunning: break;
          case ImportState::kDone: return sweep_files(id, left);
          case ImportState::kFailed:
            if (row->finished.value_or(0) >= before) break;
            return sweep_files(id, left);
        }
        sweep_next(left);
      });
}

void ImportDesk::sweep_files(const std::string& id, const Leftovers& left) {
  run([this, id] { static_cast<void>(ImportRun::remove_files(ports_.files, path_of(id))); },
      [this, left] { sweep_next(left); });
}

void ImportDesk::enqueue(const std::string& id) {
  const auto same = std::ranges::find_if(jobs_, [&](const JobPtr& job) { return job->id == id; });
  if (same != jobs_.end()) return;
  jobs_.push_back(std::make_shared<Job>());
  jobs_.back()->id = id;
  run_next();
}

void ImportDesk::add(const ImportRequest& request, OnUpload done) {
  ImportRow row;
  row.id = import_id(request);
  row.request = encode(request);
  row.created = ports_.clock.now().ns;
  enter(row, [this, row, done = std::move(done)](const Result<ImportRow>& added) {
    if (added || added.error().code != Errc::kBusy) return go_on(added, done);
    make_place([this, row, done] {
      enter(row, [this, done](const Result<ImportRow>& again) { go_on(again, done); });
    });
  });
}

void ImportDesk::enter(const ImportRow& row, OnRow done) {
  auto added = std::make_shared<Result<ImportRow>>(ImportRow());
  ports_.store(
      [added, row, now = ports_.clock.now()](Store& store) -> Status {
        ImportTable imports(store.database());
        const auto found = imports.find(row.id);
        const auto unfinished = imports.unfinished();
        if (!unfinished) return unfinished.error();
        if (!found && unfinished->size() >= kUnfinishedMax) {
          return Error{Errc::kBusy,
                       "too many imports are not done: bring some to their end, or "
                       "delete them"};
        }
        *added = store.add_import(row, now);
        return *added ? ok() : Status(added->error());
      },
      [added, done = std::move(done)](const Status& status) {
        if (!status) return done(status.error());
        done(*added);
      });
}

void ImportDesk::go_on(const Result<ImportRow>& added, OnUpload done) {
  if (!added) return done(added.error());
  if (added->state == ImportState::kFailed) return begin_again(*added, std::move(done));
  // One whose end could not be noted has no job any more.
  if (added->state == ImportState::kRunning) enqueue(added->id);
  look(*added, std::move(done));
}

/// Where too many are not done, the upload that was touched longest ago goes if it is stalled.
void ImportDesk::make_place(std::function<void()> done) {
  ports_.studies.ask<std::vector<ImportRow>>(
      [](StudyReader& reader) { return ImportTable(reader.db).unfinished(); },
      [this, done = std::move(done)](Result<std::vector<ImportRow>> rows) {
        if (!rows || rows->size() < kUnfinishedMax) return done();
        auto touched = std::make_shared<std::map<std::int64_t, std::string>>();
        run(
            [this, rows = *std::move(rows), touched] {
              for (const ImportRow& row : rows) {
                if (row.state != ImportState::kUploading) continue;
                const auto info = ports_.files.info(path_of(row.id));
                touched->emplace(std::max(row.created, info ? info->modified.ns : 0), row.id);
              }
            },
            [this, touched, done] {
              const bool is_stalled =
                  !touched->empty() && ports_.clock.now().ns - touched->begin()->first > kStalledNs;
              if (!is_stalled) return done();
              const std::string id = touched->begin()->second;
              ports_.log.warning(
                  "import {}: its upload stood still, and goes: another one needs the place", id);
              remove(id, [done](const Status&) { done(); });
            });
      });
}

/// One that failed: with its file it runs again, otherwise it waits for it.
void ImportDesk::begin_again(ImportRow row, OnUpload done) {
  look(std::move(row), [this, done = std::move(done)](Result<ImportUpload> upload) {
    if (!upload) return done(upload.error());
    const auto request = decode_import_request(upload->row.request);
    if (!request) return done(request.error());
    const bool is_whole = upload->received == request->size;
    change_state(*std::move(upload), is_whole ? ImportState::kRunning : ImportState::kUploading,
                 done);
  });
}

/// Another request may have done so meanwhile: then the row is as that one left it.
void ImportDesk::change_state(ImportUpload upload, ImportState to, OnUpload done) {
  auto shared = std::make_shared<ImportUpload>(std::move(upload));
  ports_.store(
      [shared, to](Store& store) -> Status {
        ImportTable imports(store.database());
        const auto changed = imports.begin(shared->row.id, to);
        if (!changed) return changed.error();
        auto row = imports.find(shared->row.id);
        if (!row) return row.error();
        shared->row = *std::move(row);
        return ok();
      },
      [this, shared, done = std::move(done)](const Status& status) {
        if (!status) return done(status.error());
        if (shared->row.state == ImportState::kRunning) enqueue(shared->row.id);
        done(*shared);
      });
}

void ImportDesk::look(ImportRow row, OnUpload done) {
  auto upload = std::make_shared<ImportUpload>();
  upload->row = std::move(row);
  auto status = std::make_shared<Status>(ok());
  run(
      [this, upload, status, path = path_of(upload->row.id)] {
        const auto info = ports_.files.info(path);
        if (info) upload->received = info->size;
        if (!info && info.error().code != Errc::kNotFound) *status = info.error();
      },
      [upload, status, done = std::move(done)] {
        if (!*status) return done(status->error());
        done(*upload);
      });
}

void ImportDesk::find(const std::string& id, OnUpload done) {
  ports_.studies.ask<ImportRow>(
      [id](StudyReader& reader) { return ImportTable(reader.db).find(id); },
      [this, done = std::move(done)](Result<ImportRow> row) mutable {
        if (!row) return done(row.error());
        look(*std::move(row), std::move(done));
      });
}

void ImportDesk::write(const std::string& id, std::uint64_t offset, std::string bytes,
                       OnUpload done) {
  find(id, [this, offset, bytes = std::move(bytes),
            done = std::move(done)](Result<ImportUpload> upload) mutable {
    if (!upload) return done(upload.error());
    if (upload->row.state == ImportState::kRunning) {
      enqueue(upload->row.id);
      return done(std::move(upload));
    }
    if (upload->row.state != ImportState::kUploading) {
      return done(Error{Errc::kDenied, fmt::format("the import is {}: nothing more is taken",
                                                   to_string(upload->row.state))});
    }
    append(*std::move(upload), offset, std::move(bytes), std::move(done));
  });
}

void ImportDesk::append(ImportUpload upload, std::uint64_t offset, std::string bytes,
                        OnUpload done) {
  const auto request = decode_import_request(upload.row.request);
  if (!request) return done(request.error());
  if (offset + bytes.size() > request->size) {
    return done(
        Error{Errc::kInvalid, fmt::format("the file was said to have {} bytes", request->size)});
  }
  auto shared = std::make_shared<ImportUpload>(std::move(upload));
  auto status = std::make_shared<Status>(ok());
  run(
      [this, shared, status, offset, bytes = std::move(bytes), size = request->size] {
        const std::string path = path_of(shared->row.id);
        // Another request may have brought some of it meanwhile.
        const auto info = ports_.files.info(path);
        shared->received = info ? info->size : 0;
        if (offset > shared->received) return;
        std::string_view fresh = bytes;
        fresh.remove_prefix(std::min<std::uint64_t>(fresh.size(), shared->received - offset));
        if (shared->received == 0) *status = ports_.files.make_directories(directory_);
        const auto space = ports_.files.space(directory_);
        if (*status && !space) *status = space.error();
        if (*status && space->bytes_free < kFreeBytesLeast + fresh.size()) {
          *status = Error{Errc::kFull, "the disk of the coordinator has no room for the file"};
        }
        if (*status && !fresh.empty()) {
          *status = ports_.files.write_at(path, shared->received, fresh, kUploadMode);
        }
        if (!*status) return;
        shared->received += fresh.size();
        if (shared->received == size) *status = ports_.files.sync(path);
      },
      [this, shared, status, size = request->size, done = std::move(done)] {
        if (!*status) return done(status->error());
        if (shared->received < size) return done(*shared);
        change_state(*shared, ImportState::kRunning, done);
      });
}

/// The row is read anew: whoever asked for it may know an older one.
void ImportDesk::run_next() {
  if (running_ || jobs_.empty()) return;
  running_ = true;
  const JobPtr job = jobs_.front();
  auto row = std::make_shared<ImportRow>();
  ports_.store(
      [row, id = job->id](Store& store) -> Status {
        auto found = ImportTable(store.database()).find(id);
        if (!found) return found.error();
        *row = *std::move(found);
        return ok();
      },
      [this, job, row](const Status& status) {
        const bool runs = status && row->state == ImportState::kRunning;
        runs && !job->is_cancelled() ? begin_run(job, *row) : forget(job);
      });
}

void ImportDesk::begin_run(const JobPtr& job, ImportRow row) {
  job->row = std::move(row);
  job->progress.readings = job->row.readings;
  job->progress.rows_bad = job->row.rows_bad;
  job->run = std::make_unique<ImportRun>(ports_.files, ports_.clock, job->row, path_of(job->id));
  auto noted = std::make_shared<Status>(ok());
  run(
      [this, job, noted, alive = alive_] {
        if (*alive) *noted = note_attempt(ports_.files, path_of(job->id), job->row.place);
      },
      [this, job, noted] { *noted ? step(job) : end(job, noted->error().message); });
}

void ImportDesk::step(const JobPtr& job) {
  auto work = std::make_shared<Result<ImportWork>>(ImportWork());
  run([job, work] { *work = job->run->step(); },
      [this, job, work] {
        job->progress.phase = job->run->phase();
        job->progress.part = job->run->part();
        if (job->is_cancelled()) return forget(job);
        if (!*work) return end(job, work->error().message);
        if ((*work)->is_empty) return step(job);
        store(job, **std::move(work));
      });
}

void ImportDesk::store(const JobPtr& job, ImportWork work) {
  work.step.nodes_left = kImportNodesMax - job->nodes_made;
  auto shared = std::make_shared<ImportWork>(std::move(work));
  auto stored = std::make_shared<Result<ImportRow>>(ImportRow());
  ports_.store(
      [job, shared, stored, now = ports_.clock.now()](Store& store) -> Status {
        *stored = store.store_import(job->row.id, shared->step, shared->also, now);
        return *stored ? ok() : Status(stored->error());
      },
      [this, job, shared, stored](const Status& status) {
        if (!status) return end(job, status.error().message);
        job->row = **stored;
        job->nodes_made += job->row.nodes_made;
        job->progress.readings = job->row.readings;
        job->progress.rows_bad = job->row.rows_bad;
        if (job->is_cancelled()) return forget(job);
        if (!shared->is_last) return step(job);
        ports_.log.info("import {}: {} readings, {} rows left out", job->row.id, job->row.readings,
                        job->row.rows_bad);
        run(
            [this, path = path_of(job->row.id)] {
              // What stays of it goes with the next sweep.
              (void)ImportRun::remove_files(ports_.files, path);
            },
            [this, job] { forget(job); });
      });
}

void ImportDesk::end(const JobPtr& job, const std::string& error) {
  ports_.log.error("import {}: {}", job->row.id, error);
  ports_.store(
      [id = job->row.id, error, now = ports_.clock.now()](Store& store) -> Status {
        ImportTable imports(store.database());
        auto found = imports.find(id);
        if (!found) return found.error();
        found->state = ImportState::kFailed;
        found->error = error;
        found->finished = now.ns;
        return imports.update(*found);
      },
      [this, job](const Status& noted) {
        if (!noted) ports_.log.warning("import {}: {}", job->row.id, noted.error().message);
        // What was unpacked can be so again, and takes more of the disk than its file.
        run(
            [this, path = path_of(job->id)] {
              (void)ports_.files.remove_all(path + ".d");
              (void)forget_attempts(ports_.files, path);
            },
            [this, job] { forget(job); });
      });
}

void ImportDesk::forget(const JobPtr& job) {
  job->run.reset();
  std::erase(jobs_, job);
  running_ = false;
  for (const auto& cancelled : job->on_cancelled) cancelled();
  run_next();
}

void ImportDesk::remove(const std::string& id, std::function<void(Status)> done) {
  const auto job = std::ranges::find_if(jobs_, [&](const JobPtr& each) { return each->id == id; });
  if (job != jobs_.end()) {
    const JobPtr found = *job;
    if (running_ && found == jobs_.front()) {
      found->on_cancelled.emplace_back([this, id, done = std::move(done)] { remove(id, done); });
      return;
    }
    jobs_.erase(job);
  }
  ports_.store(
      [id](Store& store) -> Status {
        ImportTable imports(store.database());
        const auto found = imports.find(id);
        if (!found) return found.error();
        if (found->state == ImportState::kDone) {
          return Error{Errc::kDenied,
                       "the import is done: that it stays listed is what keeps the "
                       "same file from being brought in twice"};
        }
        return imports.remove(*found);
      },
      [this, id, done = std::move(done)](const Status& removed) {
        if (!removed) return done(removed);
        auto gone = std::make_shared<Status>(ok());
        run([this, gone,
             path = path_of(id)] { *gone = ImportRun::remove_files(ports_.files, path); },
            [gone, done] { done(*gone); });
      });
}

std::optional<ImportProgress> ImportDesk::progress(const std::string& id) const {
  for (const JobPtr& job : jobs_) {
    if (job->id == id) return job->progress;
  }
  return std::nullopt;
}

}  // namespace fieldpost::coordinator
