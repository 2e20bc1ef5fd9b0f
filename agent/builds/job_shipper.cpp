#include "agent/builds/job_shipper.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr int kZstdLevel = 3;
constexpr const char* kEndedType = "ended";
constexpr const char* kLostWhy = "the runner of this node does not know the job any more";

RecordClass class_of(wire::RecordKind kind) {
  return kind == wire::RecordKind::kLogPiece ? RecordClass::kLog : RecordClass::kEvent;
}

}  // namespace

JobShipper::JobShipper(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
                       RunnerLink& runner)
    : loop_(loop), clock_(clock), log_(log), front_(front), runner_(runner) {}

JobShipper::~JobShipper() {
  loop_.cancel(timer_);
}

// ---- what there is ----

void JobShipper::look() {
  if (is_looking_) {
    looks_again_ = true;
    return;
  }
  const rt::Nanos since = looked_at_ ? loop_.now() - *looked_at_ : kLookPause;
  if (since < kLookPause) return look_within(kLookPause - since);
  is_looking_ = true;
  looks_again_ = false;
  looked_at_ = loop_.now();
  loop_.cancel(std::exchange(timer_, rt::TimerId::kNone));
  if (!is_loaded_) return load();
  ask_for_jobs();
}

void JobShipper::ask_for_jobs() {
  runner_.ask(R"({"do":"hello"})", [this, alive = std::weak_ptr(alive_)](const auto& reply) {
    if (!alive.expired()) on_hello(reply);
  });
}

void JobShipper::look_within(rt::Nanos delay) {
  const rt::Instant at = loop_.now() + delay;
  if (timer_ != rt::TimerId::kNone && look_at_ <= at) return;
  loop_.cancel(timer_);
  look_at_ = at;
  timer_ = loop_.after(delay, [this] {
    timer_ = rt::TimerId::kNone;
    look();
  });
}

void JobShipper::load() {
  auto all = std::make_shared<std::map<wire::JobId, JobProgress>>();
  front_.with_spool(
      [all](Spool& spool) -> Status {
        auto loaded = load_job_progress(spool);
        if (!loaded) return loaded.error();
        *all = *std::move(loaded);
        return ok();
      },
      [this, all, alive = std::weak_ptr(alive_)](const Status& status) {
        if (alive.expired()) return;
        if (status) return on_loaded(*all);
        is_looking_ = false;
        log_.error("reading how far the spool has the jobs: {}", status.error().message);
        look_within(kRetryEvery);
      });
}

void JobShipper::on_loaded(const std::map<wire::JobId, JobProgress>& all) {
  for (const auto& [id, progress] : all) {
    Job& job = *find_or_add(id);
    if (progress.fence >= job.progress.fence) job.progress = progress;
  }
  is_loaded_ = true;
  ask_for_jobs();
}

void JobShipper::on_hello(const rt::Result<RunnerReply>& reply) {
  is_looking_ = false;
  look_within(looks_again_ ? kLookPause : kLookEvery);
  if (!reply || !reply->jobs) {
    slots_ = 0;
    if (std::exchange(is_unreachable_, true)) return;
    log_.warning("the runner cannot be asked for its jobs: {}",
                 reply ? "it does not list them" : reply.error().message);
    return;
  }
  if (std::exchange(is_unreachable_, false)) log_.info("the runner answers again");
  slots_ = reply->slots;
  take_stock(*reply->jobs);
}

void JobShipper::take_stock(const std::vector<RunnerJob>& listed) {
  for (auto& [id, job] : jobs_) job->known.reset();
  for (const RunnerJob& each : listed) find_or_add(each.attempt.job)->known = each;
  // One that nobody knows is not kept. Work may end at once, and go on: not over the map itself.
  std::erase_if(jobs_, [](const auto& each) {
    const Job& job = *each.second;
    return !job.known && job.progress.fence == 0 && !job.is_under_way && !job.is_going;
  });
  const auto jobs = jobs_;
  for (const auto& [id, job] : jobs) work(job);
}

JobShipper::JobPtr& JobShipper::find_or_add(const wire::JobId& id) {
  JobPtr& job = jobs_[id];
  if (!job) {
    job = std::make_shared<Job>();
    job->id = id;
  }
  return job;
}

void JobShipper::expect(const wire::JobAttempt& attempt, std::function<void()> done) {
  Job& job = *find_or_add(attempt.job);
  if (job.progress.fence < attempt.fence && !job.is_under_way) {
    job.progress = {};
    job.progress.fence = attempt.fence;
  }
  front_.with_spool(
      [attempt](Spool& spool) { return note_job(spool, attempt); },
      [this, done = std::move(done), alive = std::weak_ptr(alive_)](const Status& status) {
        if (alive.expired()) return;
        // It runs all the same, and its first fact says as much.
        if (!status) log_.error("noting a job: {}", status.error().message);
        done();
      });
  look();
}

// ---- what is to be done ----

/// Facts go first: they are few, and say what there is to wait for.
void JobShipper::work(const JobPtr& job) {
  if (job->is_under_way || job->is_going) return;
  JobProgress& progress = job->progress;
  const std::optional<RunnerJob>& known = job->known;
  if (known && known->attempt.fence != progress.fence) {
    progress = {};
    progress.fence = known->attempt.fence;
  }
  const bool is_open = !progress.is_ended;
  if (is_open && (!known || known->facts < progress.next_fact)) return tell_lost(job);
  if (!known || progress.is_lost) return;
  if (is_open && progress.next_fact < known->facts) return ship_facts(job);
  if (progress.log_offset >= known->log_bytes) return;
  const bool is_full = known->log_bytes - progress.log_offset >= wire::kLogPieceBytesMax;
  if (is_full || !is_open || loop_.now() >= job->next_log) return ship_log(job);
  look_within(job->next_log - loop_.now());
}

void JobShipper::ship_facts(const JobPtr& job) {
  job->is_under_way = true;
  const json question = {{"do", "facts"},
                         {"job", job->id.hex()},
                         {"fence", job->progress.fence},
                         {"from", job->progress.next_fact},
                         {"most", kFactsAtOnce}};
  runner_.ask(question.dump(), [this, weak = std::weak_ptr(job),
                                fence = job->progress.fence](const rt::Result<RunnerReply>& reply) {
    const JobPtr asked = weak.lock();
    if (!asked) return;
    if (!reply) return pause(*asked, reply.error());
    if (reply->facts.empty()) {
      return pause(*asked, {Errc::kCorrupt, "the runner does not tell the facts that it has"});
    }
    ship_fact(asked, std::make_shared<const Batch>(Batch{fence, reply->facts}), 0);
  });
}

void JobShipper::ship_fact(const JobPtr& job, const std::shared_ptr<const Batch>& batch,
                           std::size_t index) {
  if (index == batch->facts.size() || job->progress.is_ended) {
    job->is_under_way = false;
    return work(job);
  }
  const RunnerFact& fact = batch->facts[index];
  JobProgress after = job->progress;
  after.next_fact += 1;
  after.is_ended = fact.type == kEndedType;
  const wire::BuildFact event{{job->id, batch->fence}, job->progress.next_fact, fact.text};
  append(job, wire::RecordKind::kEvent, wire::encode(event), after,
         [this, batch, index](const JobPtr& told) { ship_fact(told, batch, index + 1); });
}

void JobShipper::ship_log(const JobPtr& job) {
  job->is_under_way = true;
  const json question = {{"do", "log"},
                         {"job", job->id.hex()},
                         {"fence", job->progress.fence},
                         {"from", job->progress.log_offset},
                         {"most", wire::kLogPieceBytesMax}};
  runner_.ask(question.dump(), [this, weak = std::weak_ptr(job),
                                fence = job->progress.fence](const rt::Result<RunnerReply>& reply) {
    const JobPtr asked = weak.lock();
    if (!asked) return;
    if (!reply) return pause(*asked, reply.error());
    if (reply->bytes.empty() || reply->bytes.size() > wire::kLogPieceBytesMax) {
      return pause(*asked, {Errc::kCorrupt, "the runner does not give the log that it has"});
    }
    take_piece(asked, fence, reply->bytes);
  });
}

void JobShipper::take_piece(const JobPtr& job, std::uint64_t fence, const std::string& bytes) {
  JobProgress after = job->progress;
  after.log_offset += bytes.size();
  const wire::LogPiece piece{{job->id, fence}, job->progress.log_offset, bytes};
  append(job, wire::RecordKind::kLogPiece, wire::encode(piece), after, [this](const JobPtr& told) {
    told->is_under_way = false;
    told->next_log = loop_.now() + kLogPause;
    const json fetched = {
        {"do", "fetched"}, {"job", told->id.hex()}, {"log", told->progress.log_offset}};
    runner_.ask(fetched.dump(), [](const auto&) {});  // the next one says more
    work(told);
  });
}

/// Its end is told in the runner's place: nobody else would, and the job would be open for ever.
/// Should it run anew there, nobody wants that.
void JobShipper::tell_lost(const JobPtr& job) {
  job->is_under_way = true;
  JobProgress after = job->progress;
  after.next_fact += 1;
  after.is_ended = after.is_lost = true;
  const json fact = {
      {"type", kEndedType},        {"verdict", "interrupted"},      {"why", kLostWhy},
      {"outputs", json::object()}, {"log_bytes", after.log_offset}, {"time_ns", clock_.now().ns}};
  const wire::BuildFact event{{job->id, after.fence}, job->progress.next_fact, fact.dump()};
  append(job, wire::RecordKind::kEvent, wire::encode(event), after, [this](const JobPtr& told) {
    told->is_under_way = false;
    log_.warning("job {} ended as interrupted: {}", told->id.hex(), kLostWhy);
    if (!told->known) return;
    const json cancel = {{"do", "cancel"},
                         {"job", told->id.hex()},
                         {"fence", told->progress.fence},
                         {"why", kLostWhy}};
    runner_.ask(cancel.dump(), [](const auto&) {});
  });
}

// ---- into the spool ----

wire::Record JobShipper::record_of(wire::RecordKind kind, const std::string& payload) const {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(kind);
  wire::Compressed compressed = wire::compress(payload, kZstdLevel);
  record.codec = compressed.codec;
  record.raw_size = static_cast<std::uint32_t>(payload.size());
  record.payload = std::move(compressed.bytes);
  record.stamp = clock_now(loop_, clock_);
  record.first_time = record.last_time = clock_.now().ns;
  return record;
}

/// Its record and how far the job got are on disk together, or neither is.
void JobShipper::append(const JobPtr& job, wire::RecordKind kind, const std::string& payload,
                        const JobProgress& after, std::function<void(const JobPtr&)> then) {
  front_.append_record(
      record_of(kind, payload), class_of(kind),
      [this, weak = std::weak_ptr(job), after, then = std::move(then)](const Status& status) {
        const JobPtr told = weak.lock();
        if (!told) return;
        if (!status) return pause(*told, status.error());
        is_waiting_told_ = false;
        told->progress = after;
        then(told);
      },
      [id = job->id, after](Spool& spool) { return store_job_progress(spool, id, after); });
}

void JobShipper::pause(Job& job, const Error& why) {
  job.is_under_way = false;
  look_within(kRetryEvery);
  if (why.code == Errc::kUnavailable || std::exchange(is_waiting_told_, true)) return;
  log_.warning("job {} waits at the runner: {}", job.id.hex(), why.message);
}

// ---- out of it ----

void JobShipper::forget(const wire::JobAttempt& attempt, const std::vector<std::string>& keep,
                        std::function<void(Status)> done) {
  if (!is_loaded_) return done(Error{Errc::kBusy, "the agent is starting"});
  const JobPtr job = find_or_add(attempt.job);
  if (job->progress.fence > attempt.fence) return done(ok());  // or the next had not begun
  if (job->is_under_way || job->is_going) {
    return done(Error{Errc::kBusy, "what the runner knows of it is being taken"});
  }
  job->is_going = true;
  const json question = {
      {"do", "forget"}, {"job", attempt.job.hex()}, {"fence", attempt.fence}, {"keep", keep}};
  runner_.ask(question.dump(), [this, weak = std::weak_ptr(job), attempt,
                                done = std::move(done)](const rt::Result<RunnerReply>& reply) {
    const JobPtr going = weak.lock();
    if (!going) return;
    if (!reply && reply.error().code != Errc::kNotFound) {
      going->is_going = false;
      return done(reply.error());
    }
    front_.with_spool([attempt](Spool& spool) { return forget_job(spool, attempt); },
                      [this, weak, done](const Status& status) {
                        const JobPtr gone = weak.lock();
                        if (!gone) return;
                        gone->is_going = false;
                        if (status) jobs_.erase(gone->id);
                        done(status);
                      });
  });
}

}  // namespace fieldpost::agent
