#include "coordinator/exports/export_desk.h"

#include <algorithm>
#include <utility>

#include "coordinator/experiments/uuid.h"
#include "coordinator/exports/export_documents.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kReadBytes = 1 << 20;

/// Size and hash of a file that no journal tells of.
Result<wire::WrittenFile> measure(rt::Files& files, const std::string& path) {
  wire::WrittenFile out;
  wire::Sha256 hash;
  for (;;) {
    const auto piece = files.read(path, out.size, kReadBytes);
    if (!piece) return piece.error();
    if (piece->empty()) break;
    hash.add(*piece);
    out.size += piece->size();
  }
  out.sha256 = hash.digest();
  return out;
}

}  // namespace

struct ExportDesk::Job {
  ExportRow row;
  std::unique_ptr<ExportRun> run;  ///< the worker's while a step runs
  ExportProgress progress;         ///< as of the last step
  std::vector<std::function<void()>> on_cancelled;
  [[nodiscard]] bool is_cancelled() const { return !on_cancelled.empty(); }
};

ExportDesk::ExportDesk(ExportDeskPorts ports, std::unique_ptr<StudyReader> reader,
                       std::string directory, std::string version)
    : ports_(ports),
      reader_(std::move(reader)),
      directory_(std::move(directory)),
      version_(std::move(version)) {}

ExportDesk::~ExportDesk() {
  *alive_ = false;
}

void ExportDesk::run(std::function<void()> work, std::function<void()> done) {
  ports_.worker.run(std::move(work), [alive = alive_, done = std::move(done)] {
    if (*alive) done();
  });
}

std::string ExportDesk::directory_of(const std::string& id) const {
  return directory_ + "/" + id;
}

void ExportDesk::start() {
  ports_.studies.ask<std::vector<ExportRow>>(
      [](StudyReader& reader) { return reader.studies.exports.unfinished(); },
      [this](Result<std::vector<ExportRow>> rows) {
        if (!rows) return ports_.log.warning("exports cannot go on: {}", rows.error().message);
        for (ExportRow& row : *rows) {
          ports_.log.info("export {} goes on", row.id);
          jobs_.push_back(std::make_shared<Job>());
          jobs_.back()->row = std::move(row);
        }
        go_on();
      });
}

void ExportDesk::add(const std::string& experiment, const ExportRequest& request,
                     std::function<void(Result<ExportRow>)> done) {
  if (jobs_.size() >= kWaitingMax) {
    return done(Error{Errc::kBusy, "too many exports wait already; ask again later"});
  }
  ExportRow row;
  row.id = make_uuid(ports_.random);
  row.request = encode(request);
  row.created = ports_.clock.now().ns;
  ports_.studies.change<ExportRow>(
      [row, experiment](Studies& studies) mutable -> Result<ExportRow> {
        const auto found = studies.experiments.find(experiment);
        if (!found) return found.error();
        row.experiment = found->no;
        return studies.exports.add(std::move(row));
      },
      [this, done = std::move(done)](Result<ExportRow> added) {
        if (added) {
          jobs_.push_back(std::make_shared<Job>());
          jobs_.back()->row = *added;
          go_on();
        }
        done(std::move(added));
      });
}

void ExportDesk::go_on() {
  if (running_ || jobs_.empty()) return;
  running_ = true;
  make_run(jobs_.front());
}

void ExportDesk::make_run(const JobPtr& job) {
  auto made = std::make_shared<Status>(ok());
  run(
      [this, job, made, reader = reader_, directory = directory_of(job->row.id)] {
        auto begun = ExportRun::make(*reader, ports_.files, job->row, directory, version_);
        if (begun) job->run = *std::move(begun);
        if (!begun) *made = begun.error();
      },
      [this, job, made] {
        if (job->is_cancelled()) return end(job, ExportState::kCancelled, "");
        if (!*made) return end(job, ExportState::kFailed, made->error().message);
        step(job);
      });
}

void ExportDesk::step(const JobPtr& job) {
  auto more = std::make_shared<Result<bool>>(true);
  run([job, more, reader = reader_] { *more = job->run->step(*reader); },
      [this, job, more] {
        job->progress = job->run->progress();
        if (job->is_cancelled()) return end(job, ExportState::kCancelled, "");
        if (!*more) return end(job, ExportState::kFailed, more->error().message);
        if (**more) return step(job);
        end(job, ExportState::kDone, "");
      });
}

void ExportDesk::end(const JobPtr& job, ExportState state, const std::string& error) {
  job->run.reset();
  ExportRow& row = job->row;
  row.state = state;
  row.finished = ports_.clock.now().ns;
  row.files = job->progress.files;
  row.readings = job->progress.readings;
  row.bytes = job->progress.bytes;
  row.error = error;
  if (state == ExportState::kFailed) ports_.log.error("export {}: {}", row.id, error);
  if (state == ExportState::kDone) {
    ports_.log.info("export {}: {} readings, {} bytes", row.id, row.readings, row.bytes);
  }
  ports_.studies.change<bool>(
      [row](Studies& studies) -> Result<bool> {
        if (auto done = studies.exports.update(row); !done) return done.error();
        return true;
      },
      [this, job](const Result<bool>& noted) {
        if (!noted) ports_.log.warning("export {}: {}", job->row.id, noted.error().message);
        std::erase(jobs_, job);
        running_ = false;
        for (const auto& each : job->on_cancelled) each();
        go_on();
      });
}

void ExportDesk::remove(const std::string& experiment, const std::string& id,
                        std::function<void(Status)> done) {
  const auto job =
      std::ranges::find_if(jobs_, [&](const JobPtr& each) { return each->row.id == id; });
  if (job != jobs_.end()) {
    const JobPtr found = *job;
    if (running_ && found == jobs_.front()) {
      found->on_cancelled.emplace_back(
          [this, experiment, id, done = std::move(done)] { remove(experiment, id, done); });
      return;
    }
    jobs_.erase(job);
  }
  auto removed = std::make_shared<Status>(ok());
  run([this, removed,
       directory = directory_of(id)] { *removed = ports_.files.remove_all(directory); },
      [this, removed, experiment, id, done = std::move(done)] {
        if (!*removed) return done(*removed);
        ports_.studies.change<bool>(
            [experiment, id](Studies& studies) -> Result<bool> {
              const auto found = studies.experiments.find(experiment);
              if (!found) return found.error();
              const auto row = studies.exports.find(found->no, id);
              if (!row) return row.error();
              if (auto gone = studies.exports.remove(*row); !gone) return gone.error();
              return true;
            },
            [done](const Result<bool>& gone) { done(gone ? ok() : Status(gone.error())); });
      });
}

std::optional<ExportProgress> ExportDesk::progress(const std::string& id) const {
  for (const JobPtr& job : jobs_) {
    if (job->row.id == id) return job->progress;
  }
  return std::nullopt;
}

void ExportDesk::list_files(const ExportRow& row, const std::string& experiment,
                            std::function<void(Result<FileList>)> done) {
  if (row.state != ExportState::kDone) {
    return done(Error{Errc::kDenied, "the export is " + std::string(to_string(row.state))});
  }
  // It does not change any more, and whoever fetches it file by file asks for each of them.
  if (listed_ != nullptr && listed_id_ == row.id) return done(listed_);
  with_files<FileList>(
      [directory = directory_of(row.id), experiment](rt::Files& files) -> Result<FileList> {
        const auto journal = ExportJournal::open(files, directory + "/journal");
        if (!journal) return journal.error();
        auto list = std::make_shared<std::vector<ListedFile>>();
        for (const auto& [path, entry] : journal->entries()) list->push_back({path, entry.written});
        const std::string manifest(kManifestName);
        const auto written = measure(files, directory + "/" + experiment + "/" + manifest);
        if (!written) return written.error();
        list->push_back({manifest, *written});
        return FileList(std::move(list));
      },
      [this, id = row.id, done = std::move(done)](const Result<FileList>& list) {
        if (list) {
          listed_id_ = id;
          listed_ = *list;
        }
        done(list);
      });
}

}  // namespace fieldpost::coordinator
