#include "tests/support/builds_node.h"

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
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

/// `7 yes: DETAIL`; empty: it is no outcome.
std::string outcome_of(const SpoolRecord& record) {
  if (record.record_class != RecordClass::kEvent) return "";
  const auto event = nlohmann::json::parse(payload_of(record));
  if (event.at("type") != "command") return "";
  return std::to_string(event.at("id").get<std::uint64_t>()) +
         (event.at("ok").get<bool>() ? " yes: " : " no: ") + event.at("detail").get<std::string>();
}

std::vector<SpoolRecord> held_records(agent::Spool& spool, RecordClass from, RecordClass to) {
  std::vector<SpoolRecord> all;
  for (std::int64_t after = 0;;) {
    auto page = spool.load_held(from, to, after, kPageBytes);
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

BuildsLife::BuildsLife(BuildsNode& node)
    : loop(node.world, node.clock.uptime()),
      random(node.world.dice("random")),
      store(loop, node.world.dice("store")),
      encoder(loop, node.world.dice("encoder")),
      mqtt(loop, node.broker) {
  auto spool = agent::Spool::open(kSpoolPath, node.vfs.name(), random);
  REQUIRE(spool.has_value());
  front = std::make_unique<agent::SpoolFront>(loop, node.clock, random, store, encoder, node.log,
                                              node.options, std::move(*spool));
  link = std::make_unique<agent::RunnerLink>(loop, node.streams, kRunnerPath);
  shipper = std::make_unique<agent::JobShipper>(loop, node.clock, node.log, *front, *link);
  watch = std::make_unique<agent::RunnerWatch>(loop, node.streams, kRunnerPath,
                                               [this] { shipper->look(); });
  uplink = std::make_unique<agent::Uplink>(loop, node.clock, random, mqtt, node.log, *front,
                                           agent::UplinkOptions{});
  inbox = std::make_unique<agent::Inbox>(loop, node.clock, node.log, *front, *uplink);
  bodies = std::make_unique<agent::BodyWriter>(loop, node.clock, *front);
  verbs = std::make_unique<agent::BuildVerbs>(loop, *link, *shipper);
  artifacts = std::make_unique<agent::ArtifactSender>(loop, node.clock, *link, *bodies);
  verbs->add_to(*inbox);
  artifacts->add_to(*inbox);
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
  life = std::make_unique<BuildsLife>(*this);
  life->front->set_sink(this);
  life->inbox->recover();
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

void BuildsNode::command(std::uint64_t id, const std::string& verb, const std::string& arguments) {
  wire::Command command;
  command.id = id;
  command.verb = verb;
  command.arguments = arguments;
  life->inbox->on_command(command);
}

std::vector<SpoolRecord> BuildsNode::records(RecordClass from, RecordClass to) {
  std::vector<SpoolRecord> out;
  life->front->with_spool(
      [&out, from, to](agent::Spool& spool) {
        out = held_records(spool, from, to);
        return rt::ok();
      },
      [](const rt::Status& status) { CHECK(status.has_value()); });
  world.run_for(100ms);
  return out;
}

StoredJobs BuildsNode::stored() {
  StoredJobs out;
  for (const SpoolRecord& record : records(RecordClass::kEvent, RecordClass::kLog)) {
    out.add_next(record);
  }
  return out;
}

std::vector<std::string> BuildsNode::stored_outcomes() {
  std::vector<std::string> out;
  for (const SpoolRecord& record : records(RecordClass::kEvent, RecordClass::kEvent)) {
    if (auto outcome = outcome_of(record); !outcome.empty()) out.push_back(std::move(outcome));
  }
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
  if (auto outcome = outcome_of(record); !outcome.empty()) outcomes.push_back(std::move(outcome));
  if (is_readings(record.record_class)) readings.push_back(record);
  if (record.record_class == RecordClass::kBody) {
    auto fragment = wire::decode_fragment(payload_of(record));
    REQUIRE(fragment.has_value());
    fragments.push_back(*std::move(fragment));
  }
  undelivered_.push_back({record.name.incarnation, {record.name.seq, record.name.seq}});
}

}  // namespace fieldpost::test
