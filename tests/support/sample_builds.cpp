#include "tests/support/sample_builds.h"

#include <fmt/format.h>

#include "coordinator/store/build_job_table.h"
#include "coordinator/store/build_table.h"
#include "proto/wire/sha256.h"

namespace fieldpost::test {
namespace {

wire::Record record_of(wire::RecordKind kind, std::string payload) {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(kind);
  record.raw_size = static_cast<std::uint32_t>(payload.size());
  record.payload = std::move(payload);
  record.stamp.wall = kStoreNow;
  return record;
}

}  // namespace

wire::JobId job_id(std::uint64_t number) {
  return {0xb0b, number};
}

coordinator::Build sample_build(const std::string& pipeline) {
  coordinator::Build build;
  build.pipeline = pipeline;
  build.ref = "refs/heads/main";
  build.commit = "5e6f";
  build.actor = "schedule";
  build.created = kStoreNow.ns;
  build.trigger = R"({"kind":"schedule"})";
  build.source = "jobs: {}\n";
  build.plan = R"({"jobs":[]})";
  return build;
}

coordinator::BuildJob sample_job(std::uint64_t number) {
  coordinator::BuildJob job;
  job.id = job_id(number);
  job.key = fmt::format("job-{}", number);
  job.name = fmt::format("Job {}", number);
  job.labels = {"linux", "arm64"};
  job.spec = R"({"steps":[]})";
  job.state = coordinator::JobState::kQueued;
  return job;
}

std::string started_fact(std::int64_t time) {
  return fmt::format(R"({{"type":"started","time_ns":{}}})", time);
}

std::string artifact_fact(const std::string& name, const std::string& bytes) {
  return fmt::format(R"({{"type":"artifact","name":"{}","path":"out/{}","size":{},"sha256":"{}"}})",
                     name, name, bytes.size(), wire::sha256(bytes).hex());
}

std::string ended_fact(const std::string& verdict, std::uint64_t log_bytes, std::int64_t time) {
  return fmt::format(
      R"({{"type":"ended","verdict":"{}","why":"so","outputs":{{"a":"1"}},"log_bytes":{},)"
      R"("time_ns":{}}})",
      verdict, log_bytes, time);
}

wire::Record fact_record(const wire::JobAttempt& attempt, std::uint32_t n,
                         const std::string& fact) {
  return record_of(wire::RecordKind::kEvent, wire::encode(wire::BuildFact{attempt, n, fact}));
}

wire::Record log_record(const wire::JobAttempt& attempt, std::uint64_t offset,
                        const std::string& bytes) {
  return record_of(wire::RecordKind::kLogPiece,
                   wire::encode(wire::LogPiece{attempt, offset, bytes}));
}

rt::Result<coordinator::Build> create_build(rt::Database& db, const coordinator::Build& build,
                                            const std::vector<coordinator::BuildJob>& jobs) {
  rt::Transaction transaction(db);
  if (auto done = transaction.begin(); !done) return done.error();
  auto made = coordinator::BuildTable(db).create(build, jobs);
  if (!made) return made;
  if (auto done = transaction.commit(); !done) return done.error();
  return made;
}

std::int64_t add_build(StoreWorld& world, std::uint64_t number, const std::string& pipeline) {
  const auto build =
      create_build(world.store().database(), sample_build(pipeline), {sample_job(number)});
  FP_CHECK(build.has_value());
  return build->no;
}

void lease(StoreWorld& world, const wire::JobAttempt& attempt) {
  coordinator::BuildJobTable jobs(world.store().database());
  FP_CHECK(jobs.lease(attempt, {"n1", {5, 5}, 77, kStoreNow.ns}).has_value());
}

}  // namespace fieldpost::test
