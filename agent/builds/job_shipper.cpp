#include "agent/builds/job_shipper.h"

#include <algorithm>
#include <limits>
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

std::string key_of(const wire::JobId& id) {
  return "build " + id.hex();
}

std::optional<std::uint64_t> number_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<wire::JobId> job_in(const json& object) {
  const auto found = object.find("job");
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return wire::JobId::from_hex(found->get_ref<const std::string&>());
}

}  // namespace

std::string encode(const JobProgress& progress) {
  return json{{"fence", progress.fence},
              {"next_fact", progress.next_fact},
              {"log_offset", progress.log_offset}}
      .dump();
}

std::optional<JobProgress> decode_job_progress(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto fence = number_in(object, "fence");
  const auto next = number_in(object, "next_fact");
  const auto offset = number_in(object, "log_offset");
  if (!fence || !next || !offset || *next > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return JobProgress{*fence, static_cast<std::uint32_t>(*next), *offset};
}

JobShipper::JobShipper(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
                       RunnerLink& runner)
    : loop_(loop), clock_(clock), log_(log), front_(front), runner_(runner) {}

JobShipper::~JobShipper() {
  loop_.cancel(timer_);
}

void JobShipper::look() {
  if (std::exchange(is_looking_, true)) {
    looks_again_ = true;
    return;
  }
  looks_again_ = false;
  arm(kLookEvery);
  runner_.ask({{"do", "hello"}}, [this, alive = std::weak_ptr(alive_)](const auto& reply) {
    if (!alive.expired()) on_hello(reply);
  });
}

void JobShipper::arm(rt::Nanos delay) {
  loop_.cancel(timer_);
  timer_ = loop_.after(delay, [this] { look(); });
}

void JobShipper::on_hello(const rt::Result<RunnerLink::Reply>& reply) {
  is_looking_ = false;
  if (!reply) {
    if (!std::exchange(is_unreachable_, true)) {
      log_.warning("the runner cannot be asked for its jobs: {}", reply.error().message);
    }
    return;
  }
  if (std::exchange(is_unreachable_, false)) log_.info("the runner answers again");
  const auto jobs = reply->said.find("jobs");
  if (jobs == reply->said.end() || !jobs->is_array()) return;
  for (const json& each : *jobs) {
    const auto id = each.is_object() ? job_in(each) : std::nullopt;
    const auto fence = number_in(each, "fence"), facts = number_in(each, "facts");
    const auto log_bytes = number_in(each, "log_bytes");
    if (!id || !fence || !facts || !log_bytes) continue;
    Job& job = jobs_[*id];
    job.fence = *fence;
    job.facts = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(*facts, std::numeric_limits<std::uint32_t>::max()));
    job.log_bytes = *log_bytes;
    work(*id);
  }
  if (looks_again_) look();
}

JobShipper::Job* JobShipper::find(const wire::JobId& id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

/// Facts go first: they are few, and say what there is to wait for.
void JobShipper::work(const wire::JobId& id) {
  Job* const job = find(id);
  if (job == nullptr || job->is_under_way) return;
  if (!job->is_loaded) return load(id);
  if (job->progress.fence != job->fence) job->progress = {job->fence, 0, 0};
  if (job->progress.next_fact < job->facts) return ship_facts(id);
  if (job->progress.log_offset < job->log_bytes) return ship_log(id);
}

void JobShipper::load(const wire::JobId& id) {
  find(id)->is_under_way = true;
  auto text = std::make_shared<std::string>();
  front_.with_spool(
      [text, key = key_of(id)](Spool& spool) -> Status {
        auto fact = spool.fact(key);
        if (!fact) return fact.error();
        *text = *std::move(fact);
        return ok();
      },
      [this, id, text, alive = std::weak_ptr(alive_)](const Status& status) {
        Job* const job = alive.expired() ? nullptr : find(id);
        if (job == nullptr) return;
        if (!status) return pause(id, status.error());
        job->is_under_way = false;
        job->is_loaded = true;
        job->progress = decode_job_progress(*text).value_or(JobProgress{job->fence, 0, 0});
        work(id);
      });
}

void JobShipper::ship_facts(const wire::JobId& id) {
  Job& job = *find(id);
  job.is_under_way = true;
  const json question = {{"do", "facts"}, {"job", id.hex()}, {"from", job.progress.next_fact}};
  runner_.ask(question, [this, id, alive = std::weak_ptr(alive_)](const auto& reply) {
    if (alive.expired() || find(id) == nullptr) return;
    if (!reply) return pause(id, reply.error());
    const auto facts = reply->said.find("facts");
    if (facts == reply->said.end() || !facts->is_array() || facts->empty()) {
      return pause(id, {Errc::kCorrupt, "the runner does not tell the facts that it has"});
    }
    ship_fact(id, std::make_shared<const json>(*facts), 0);
  });
}

void JobShipper::ship_fact(const wire::JobId& id, const std::shared_ptr<const json>& facts,
                           std::size_t index) {
  Job& job = *find(id);
  if (index == facts->size()) {
    job.is_under_way = false;
    return work(id);
  }
  const wire::BuildFact fact{{id, job.fence}, job.progress.next_fact, facts->at(index).dump()};
  JobProgress after = job.progress;
  after.fence = job.fence;
  after.next_fact += 1;
  append(id, record_of(wire::RecordKind::kEvent, encode(fact)), RecordClass::kEvent, after,
         [this, id, facts, index] { ship_fact(id, facts, index + 1); });
}

void JobShipper::ship_log(const wire::JobId& id) {
  Job& job = *find(id);
  job.is_under_way = true;
  const json question = {{"do", "log"},
                         {"job", id.hex()},
                         {"from", job.progress.log_offset},
                         {"most", wire::kLogPieceBytesMax}};
  runner_.ask(question, [this, id, alive = std::weak_ptr(alive_)](const auto& reply) {
    Job* const asked = alive.expired() ? nullptr : find(id);
    if (asked == nullptr) return;
    if (!reply) return pause(id, reply.error());
    if (reply->bytes.empty() || reply->bytes.size() > wire::kLogPieceBytesMax) {
      return pause(id, {Errc::kCorrupt, "the runner does not give the log that it has"});
    }
    JobProgress after = asked->progress;
    after.fence = asked->fence;
    after.log_offset += reply->bytes.size();
    const wire::LogPiece piece{{id, asked->fence}, asked->progress.log_offset, reply->bytes};
    append(id, record_of(wire::RecordKind::kLogPiece, encode(piece)), RecordClass::kLog, after,
           [this, id, after] {
             find(id)->is_under_way = false;
             runner_.ask({{"do", "fetched"}, {"job", id.hex()}, {"log", after.log_offset}},
                         [](const auto&) {});
             work(id);
           });
  });
}

wire::Record JobShipper::record_of(wire::RecordKind kind, const std::string& payload) const {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(kind);
  const wire::Compressed compressed = wire::compress(payload, kZstdLevel);
  record.codec = compressed.codec;
  record.raw_size = static_cast<std::uint32_t>(payload.size());
  record.payload = compressed.bytes;
  record.stamp = {clock_.now(), loop_.now(), clock_.boot_id(), clock_.synchronised()};
  record.first_time = record.last_time = clock_.now().ns;
  return record;
}

/// Its record and how far the job got are on disk together, or neither is.
void JobShipper::append(const wire::JobId& id, wire::Record record, RecordClass record_class,
                        const JobProgress& after, std::function<void()> then) {
  front_.append_record(
      std::move(record), record_class,
      [this, id, after, then = std::move(then), alive = std::weak_ptr(alive_)](Status status) {
        Job* const job = alive.expired() ? nullptr : find(id);
        if (job == nullptr) return;
        if (!status) return pause(id, status.error());
        is_full_told_ = false;
        job->progress = after;
        then();
      },
      [key = key_of(id), text = encode(after)](Spool& spool) { return spool.set_fact(key, text); });
}

void JobShipper::pause(const wire::JobId& id, const Error& why) {
  find(id)->is_under_way = false;
  arm(kRetryEvery);
  if (why.code == Errc::kUnavailable || std::exchange(is_full_told_, true)) return;
  log_.warning("job {} waits at the runner: {}", id.hex(), why.message);
}

void JobShipper::forget(const wire::JobAttempt& attempt, const json& keep,
                        std::function<void(Status)> done) {
  const json question = {
      {"do", "forget"}, {"job", attempt.job.hex()}, {"fence", attempt.fence}, {"keep", keep}};
  runner_.ask(question, [this, id = attempt.job, done = std::move(done),
                         alive = std::weak_ptr(alive_)](const auto& reply) {
    if (alive.expired()) return;
    if (!reply) return done(reply.error());
    jobs_.erase(id);
    front_.with_spool([key = key_of(id)](Spool& spool) { return spool.remove_fact(key); }, done);
  });
}

}  // namespace fieldpost::agent
