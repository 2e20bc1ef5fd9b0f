#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/builds/build.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"
#include "tests/support/store_world.h"

/// Builds as tests plan them, and what nodes tell of their jobs.
namespace fieldpost::test {

[[nodiscard]] wire::JobId job_id(std::uint64_t number);
[[nodiscard]] coordinator::Build sample_build(const std::string& pipeline = "nightly");
/// Queued, with the key "job-<number>".
[[nodiscard]] coordinator::BuildJob sample_job(std::uint64_t number);

[[nodiscard]] std::string started_fact(std::int64_t time);
[[nodiscard]] std::string artifact_fact(const std::string& name, const std::string& bytes);
[[nodiscard]] std::string ended_fact(const std::string& verdict, std::uint64_t log_bytes,
                                     std::int64_t time = 2000);

[[nodiscard]] wire::Record fact_record(const wire::JobAttempt& attempt, std::uint32_t n,
                                       const std::string& fact);
[[nodiscard]] wire::Record log_record(const wire::JobAttempt& attempt, std::uint64_t offset,
                                      const std::string& bytes);

/// Stores it in a transaction of its own.
rt::Result<coordinator::Build> create_build(rt::Database& db, const coordinator::Build& build,
                                            const std::vector<coordinator::BuildJob>& jobs);
/// Stores a build with one job of this number; the build's.
std::int64_t add_build(StoreWorld& world, std::uint64_t number,
                       const std::string& pipeline = "nightly");
/// The job goes to "n1".
void lease(StoreWorld& world, const wire::JobAttempt& attempt);

}  // namespace fieldpost::test
