#include "agent/runner/run/job_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "agent/runner/journal/facts.h"
#include "agent/runner/run/job_scripts.h"
#include "agent/runner/sandbox/sandbox.h"

namespace fieldpost::agent::runner {

using rt::Errc;
using rt::Error;

JobDesk::JobDesk(const Ports& ports, Options options)
    : ports_(ports),
      options_(std::move(options)),
      mirrors_(ports.files, path("cache/git")),
      caches_(ports.files, ports.clock, path("cache/keys"), options_.cache_bytes_max) {}

JobDesk::~JobDesk() {
  ports_.loop.cancel(sweep_timer_);
}

rt::Result<std::unique_ptr<JobDesk>> JobDesk::open(const Ports& ports, Options options) {
  std::unique_ptr<JobDesk> desk(new JobDesk(ports, std::move(options)));
  if (auto done = desk->recover(); !done) return done.error();
  return desk;
}

rt::Status JobDesk::recover() {
  for (const char* each : {"jobs", "work", "cache/git", "cache/keys"}) {
    if (auto done = ports_.files.make_directories(path(each)); !done) return done;
  }
  // Before anything is said to have ended.
  for (const std::string& each : ports_.cgroups.list()) ports_.cgroups.signal(each, SIGKILL);
  const auto ids = ports_.files.list(path("jobs"));
  if (!ids) return ids.error();
  for (const std::string& id : *ids) {
    if (auto done = recover_job(id); !done) return done;
  }
  const auto left = ports_.files.list(path("work"));
  if (!left) return left.error();
  std::vector<std::string> directories;
  for (const std::string& each : *left) directories.push_back(path("work/" + each));
  if (!directories.empty()) remove_later(std::move(directories));
  sweep();
  return rt::ok();
}

rt::Status JobDesk::recover_job(const std::string& id) {
  const std::string directory = path("jobs/" + id);
  auto journal = JobJournal::open(ports_.files, directory);
  if (!journal && journal.error().code == Errc::kNotFound) {
    return ports_.files.remove_all(directory);  // nobody was told that we have it
  }
  if (!journal && journal.error().code == Errc::kCorrupt) {
    ports_.log.error("{} is left alone: {}", directory, journal.error().message);
    return rt::ok();
  }
  if (!journal) return journal.error();
  auto entry = std::make_unique<Entry>(*std::move(journal));
  const auto job = parse_job(entry->journal.spec());
  if (!job || job->id != id) {
    ports_.log.error("{} holds no job of ours, and is left alone: {}", directory,
                     job ? "its spec is another job's" : job.error().message);
    return rt::ok();
  }
  entry->fence = job->fence;
  if (!entry->journal.has_ended()) {
    if (auto done = interrupt(*entry); !done) return done;
    ports_.log.warning("job {} was interrupted", id);
  }
  jobs_.emplace(id, std::move(entry));
  return rt::ok();
}

rt::Status JobDesk::interrupt(Entry& entry) {
  const EndedFact fact{Verdict::kInterrupted,
                       "the runner stopped while it ran, or the machine did",
                       {},
                       entry.journal.log_size(),
                       ports_.clock.now()};
  return entry.journal.add_fact(encode(entry.journal.next_fact(), fact));
}

void JobDesk::remove_later(std::vector<std::string> directories) {
  std::vector<std::string> argv = {"/bin/bash", "-c", kRemoveScript, "remove"};
  argv.insert(argv.end(), directories.begin(), directories.end());
  remover_ = std::make_unique<JobProcess>(
      JobProcess::Ports{ports_.loop, ports_.spawner, ports_.cgroups},
      JobProcess::Options{.argv = std::move(argv),
                          .environment = plain_environment(),
                          .directory = "/",
                          .cgroup = {},
                          .timeout = JobRun::kChoreMost},
      JobProcess::Handlers{nullptr, [this](const ProcessEnd& end) {
                             if (end.verdict == Verdict::kPassed) return;
                             ports_.log.warning("leftovers of jobs are not removed: {}", end.why);
                           }});
  if (auto done = remover_->start(); !done) {
    ports_.log.warning("leftovers of jobs are not removed: {}", done.error().message);
  }
}

void JobDesk::sweep() {
  ports_.loop.cancel(std::exchange(sweep_timer_, rt::TimerId::kNone));
  bool is_left = false;
  for (const std::string& each : ports_.cgroups.list()) {
    const auto found = jobs_.find(each);
    if (found != jobs_.end() && found->second->run) continue;
    ports_.cgroups.signal(each, SIGKILL);
    is_left = !ports_.cgroups.remove(each).has_value() || is_left;
  }
  if (is_left) sweep_timer_ = ports_.loop.after(kSweepAgain, [this] { sweep(); });
}

std::vector<JobReport> JobDesk::reports() const {
  std::vector<JobReport> out;
  for (const auto& [id, entry] : jobs_) {
    const JobJournal& journal = entry->journal;
    out.push_back(
        {id, entry->fence, journal.has_ended(), journal.next_fact(), journal.log_synced()});
  }
  return out;
}

std::size_t JobDesk::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(jobs_, [](const auto& each) { return each.second->run != nullptr; }));
}

rt::Status JobDesk::start(const std::string& spec) {
  auto job = parse_job(spec);
  if (!job) return job.error();
  const std::string id = job->id;
  if (const auto found = jobs_.find(id); found != jobs_.end()) {
    if (found->second->fence == job->fence) return rt::ok();
    return Error{Errc::kDenied, fmt::format("job {} is here with fence {}, not {}", id,
                                            found->second->fence, job->fence)};
  }
  if (jobs_.size() >= kJobsMax) {
    return Error{Errc::kFull, fmt::format("{} jobs wait to be forgotten", kJobsMax)};
  }
  if (running() >= options_.slots) {
    return Error{Errc::kBusy, fmt::format("{} jobs run already", options_.slots)};
  }
  auto journal = JobJournal::create(ports_.files, path("jobs/" + id), without_secrets(spec));
  if (!journal) return journal.error();
  Entry& entry = *jobs_.emplace(id, std::make_unique<Entry>(*std::move(journal))).first->second;
  entry.fence = job->fence;
  begin(id, entry, *std::move(job));
  return rt::ok();
}

void JobDesk::begin(const std::string& id, Entry& entry, Job job) {
  const JobRun::Ports ports{ports_.loop,       ports_.clock,   ports_.log,
                            ports_.files,      ports_.spawner, ports_.cgroups,
                            ports_.conditions, mirrors_,       caches_};
  // Never one that was there before: a job that came back would find what it had left.
  const std::string directory = fmt::format("work/{}-{}", id, ports_.clock.now().ns);
  entry.run_no = ++runs_;
  const auto forget_run = [this, id, no = entry.run_no, alive = std::weak_ptr(alive_)] {
    ports_.loop.post([this, id, no, alive] {
      if (alive.expired()) return;
      const auto found = jobs_.find(id);
      if (found != jobs_.end() && found->second->run_no == no) found->second->run.reset();
      sweep();
    });
  };
  entry.run = std::make_unique<JobRun>(
      ports, options_.run, std::move(job), entry.journal, path(directory),
      JobRun::Events{[this, id](std::uint64_t n) {
                       for_watchers([&](const Watcher& each) { each.on_fact(id, n); });
                     },
                     [this, id, &entry] {
                       const std::uint64_t size = entry.journal.log_synced();
                       for_watchers([&](const Watcher& each) { each.on_log(id, size); });
                     },
                     forget_run});
  entry.run->start();
}

template <typename Call>
void JobDesk::for_watchers(const Call& call) {
  std::erase_if(watchers_, [](const auto& each) { return each.expired(); });
  const auto all = watchers_;  // a call may bring one more
  for (const auto& each : all) {
    if (const WatcherPtr watcher = each.lock()) call(*watcher);
  }
}

void JobDesk::watch(const WatcherPtr& watcher) {
  watchers_.push_back(watcher);
}

rt::Result<JobDesk::Entry*> JobDesk::find(const std::string& job) const {
  const auto found = jobs_.find(job);
  if (found != jobs_.end()) return found->second.get();
  return Error{Errc::kNotFound, fmt::format("there is no job \"{}\"", job)};
}

rt::Status JobDesk::cancel(const std::string& job, std::uint64_t fence, const std::string& why) {
  const auto entry = find(job);
  if (!entry) return entry.error();
  if ((*entry)->fence != fence) {
    return Error{Errc::kDenied,
                 fmt::format("job {} is here with fence {}, not {}", job, (*entry)->fence, fence)};
  }
  if ((*entry)->run) (*entry)->run->cancel(why);
  return rt::ok();
}

rt::Result<std::vector<std::string>> JobDesk::facts(const std::string& job,
                                                    std::uint64_t from) const {
  const auto entry = find(job);
  if (!entry) return entry.error();
  const std::vector<std::string>& all = (*entry)->journal.facts();
  std::vector<std::string> out;
  std::size_t size = 0;
  for (std::uint64_t n = from; n < all.size(); ++n) {
    size += all[n].size();
    if (!out.empty() && size > kPieceBytesMax) break;
    out.push_back(all[n]);
  }
  return out;
}

rt::Result<JobPiece> JobDesk::log(const std::string& job, std::uint64_t from,
                                  std::uint64_t most) const {
  const auto entry = find(job);
  if (!entry) return entry.error();
  const JobJournal& journal = (*entry)->journal;
  if (from > journal.log_synced()) {
    return Error{Errc::kInvalid, fmt::format("from: the log has {} bytes", journal.log_synced())};
  }
  auto bytes = journal.read_log(
      from, static_cast<std::size_t>(std::min<std::uint64_t>(most, kPieceBytesMax)));
  if (!bytes) return bytes.error();
  const bool ended = journal.has_ended() && from + bytes->size() == journal.log_synced();
  return JobPiece{*std::move(bytes), ended};
}

rt::Result<JobPiece> JobDesk::artifact(const std::string& job, const std::string& name,
                                       std::uint64_t from, std::uint64_t most) const {
  const auto entry = find(job);
  if (!entry) return entry.error();
  const JobJournal& journal = (*entry)->journal;
  for (const std::string& line : journal.facts()) {
    const auto fact = decode_artifact(line);
    if (!fact || fact->name != name) continue;
    if (from > fact->size) {
      return Error{Errc::kInvalid, fmt::format("from: the artifact has {} bytes", fact->size)};
    }
    const std::uint64_t size = std::min({most, std::uint64_t{kPieceBytesMax}, fact->size - from});
    auto bytes = ports_.files.read_no_follow(journal.directory() + "/artifacts/" + name + "/data",
                                             from, static_cast<std::size_t>(size));
    if (!bytes) return bytes.error();
    return JobPiece{*bytes, from + bytes->size() >= fact->size};
  }
  return Error{Errc::kNotFound, fmt::format("job {} has no artifact \"{}\"", job, name)};
}

rt::Status JobDesk::fetched(const std::string& job, std::uint64_t log_bytes) {
  const auto entry = find(job);
  if (!entry) return entry.error();
  if ((*entry)->run) (*entry)->run->fetched(log_bytes);
  return rt::ok();
}

rt::Status JobDesk::forget(const std::string& job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return rt::ok();
  const JobJournal& journal = found->second->journal;
  if (!journal.has_ended()) return Error{Errc::kBusy, fmt::format("job {} has not ended", job)};
  // First what says that it is there: half of it must not come back as one that was interrupted.
  if (auto done = ports_.files.remove(journal.spec_path()); !done) return done;
  if (auto done = ports_.files.remove_all(journal.directory()); !done) return done;
  jobs_.erase(found);
  return rt::ok();
}

}  // namespace fieldpost::agent::runner
