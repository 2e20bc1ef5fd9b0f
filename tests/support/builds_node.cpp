#include "tests/support/builds_node.h"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <utility>

#include "proto/wire/readings_codec.h"

namespace fieldpost::test {

using agent::RecordClass;
using agent::SpoolRecord;
using namespace std::chrono_literals;

namespace {

constexpr const char* kSpoolPath = "/spool/spool.db";
constexpr const char* kRunnerPath = "/runner";
constexpr std::size_t kPageBytes = 1 << 20;

std::string payload_of(const SpoolRecord& record) {
  const auto content = wire::decode_record(*record.body);
  REQUIRE(content.has_value());
  auto payload = wire::decompress(content->payload, content->codec, content->raw_size);
  REQUIRE(payload.has_value());
  return *std::move(payload);
}

wire::LogPiece piece_of(const SpoolRecord& record) {
  auto piece = wire::decode_log_piece(payload_of(record));
  REQUIRE(piece.has_value());
  return *std::move(piece);
}

/// nullopt: the outcome of a command, or gaps.
std::optional<wire::BuildFact> fact_of(const SpoolRecord& record) {
  if (record.record_class != RecordClass::kEvent) return std::nullopt;
  auto fact = wire::decode_build_fact(payload_of(record));
  return fact ? std::optional(*std::move(fact)) : std::nullopt;
}

std::vector<SpoolRecord> held_records(agent::Spool& spool) {
  std::vector<SpoolRecord> all;
  for (std::int64_t after = 0;;) {
    auto page = spool.load_held(RecordClass::kEvent, RecordClass::kLog, after, kPageBytes);
    REQUIRE(page.has_value());
    if (page->empty()) return all;
    after = page->back().no;
    for (SpoolRecord& record : *page) all.push_back(std::move(record));
  }
}

}  // namespace

void StoredJobs::add(const SpoolRecord& record) {
  if (record.record_class == RecordClass::kLog) {
    const wire::LogPiece piece = piece_of(record);
    logs[piece.attempt] += piece.bytes;
    pieces += 1;
  } else if (const auto fact = fact_of(record)) {
    facts[fact->attempt].push_back(fact->fact);
  }
}

void StoredJobs::add_next(const SpoolRecord& record) {
  if (record.record_class == RecordClass::kLog) {
    const wire::LogPiece piece = piece_of(record);
    REQUIRE(piece.offset == logs[piece.attempt].size());
  } else if (const auto fact = fact_of(record)) {
    REQUIRE(fact->n == facts[fact->attempt].size());
  }
  add(record);
}

std::size_t StoredJobs::fact_count() const {
  std::size_t count = 0;
  for (const auto& [attempt, each] : facts) count += each.size();
  return count;
}

BuildsLife::BuildsLife(sim::SimWorld& world, sim::SimStreams& streams, sim::SimWallClock& clock,
                       sim::SimLog& log, const agent::SpoolFrontOptions& options,
                       const std::string& vfs)
    : loop(world, clock.uptime()),
      random(world.dice("random")),
      store(loop, world.dice("store")),
      encoder(loop, world.dice("encoder")) {
  auto spool = agent::Spool::open(kSpoolPath, vfs, random);
  REQUIRE(spool.has_value());
  front = std::make_unique<agent::SpoolFront>(loop, clock, random, store, encoder, log, options,
                                              std::move(*spool));
  link = std::make_unique<agent::RunnerLink>(loop, streams, kRunnerPath);
  shipper = std::make_unique<agent::JobShipper>(loop, clock, log, *front, *link);
  watch =
      std::make_unique<agent::RunnerWatch>(loop, streams, kRunnerPath, [this] { shipper->look(); });
}

BuildsLife::~BuildsLife() {
  loop.kill();
}

BuildsNode::BuildsNode(std::uint64_t seed) : world(seed) {}

BuildsNode::~BuildsNode() {
  life.reset();
}

void BuildsNode::start() {
  life.reset();
  told = {};
  undelivered_.clear();
  life = std::make_unique<BuildsLife>(world, streams, clock, log, options, vfs.name());
  life->front->set_sink(this);
  life->shipper->start();
  life->watch->start();
}

void BuildsNode::kill() {
  disk.stop();
  life.reset();
  disk.restart_after_kill();
}

void BuildsNode::cut_power(sim::Dice& dice) {
  disk.stop();
  life.reset();
  disk.restart_after_power_cut(dice);
}

void BuildsNode::replace_spool() {
  life.reset();
  disk.restore({});
}

void BuildsNode::deliver() {
  std::vector<wire::VerdictRange> verdicts;
  for (const wire::NameRange& names : std::exchange(undelivered_, {})) {
    verdicts.push_back({names, wire::Verdict::kStored});
  }
  life->front->settle(verdicts);
  world.run_for(1s);  // its marks are written
}

StoredJobs BuildsNode::stored() {
  StoredJobs out;
  life->front->with_spool(
      [&out](agent::Spool& spool) {
        for (const SpoolRecord& record : held_records(spool)) out.add_next(record);
        return rt::ok();
      },
      [](const rt::Status& status) { CHECK(status.has_value()); });
  world.run_for(100ms);
  return out;
}

std::map<wire::JobId, agent::JobProgress> BuildsNode::progress() {
  std::map<wire::JobId, agent::JobProgress> out;
  life->front->with_spool(
      [&out](agent::Spool& spool) -> rt::Status {
        auto all = agent::load_job_progress(spool);
        if (!all) return all.error();
        out = *std::move(all);
        return rt::ok();
      },
      [](const rt::Status& status) { CHECK(status.has_value()); });
  world.run_for(100ms);
  return out;
}

StoredJobs BuildsNode::expected() const {
  StoredJobs out;
  for (const auto& [id, job] : runner.jobs) {
    const wire::JobAttempt attempt{id, job.fence};
    if (!job.facts.empty()) out.facts[attempt] = job.facts;
    if (!job.log.empty()) out.logs[attempt] = job.log;
  }
  return out;
}

void BuildsNode::on_record(const SpoolRecord& record, bool on_disk) {
  CHECK(on_disk);
  told.add(record);
  undelivered_.push_back({record.name.incarnation, {record.name.seq, record.name.seq}});
}

}  // namespace fieldpost::test
