#include "tests/support/reading_world.h"

#include <atomic>
#include <string>

#include "coordinator/store/store_file.h"
#include "proto/wire/readings_codec.h"
#include "tests/support/sim/sim_random.h"

namespace fieldpost::test {
namespace {

constexpr int kZstdLevel = 3;
const std::string kPath = "/data/store.db";

/// The value, or the end of the test with the error.
template <typename T>
T must(rt::Result<T> result) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return std::move(result).value();
}

/// SQLite finds a VFS by its name; there may be several worlds.
std::string fresh_name() {
  static std::atomic<int> worlds = 0;
  return "reading-world-" + std::to_string(++worlds);
}

}  // namespace

std::shared_ptr<const wire::SeriesSet> make_set(std::vector<std::string> keys) {
  return std::make_shared<const wire::SeriesSet>(must(wire::SeriesSet::make(std::move(keys))));
}

coordinator::ReadingBatch make_batch(coordinator::NodeNo node, wire::Rank rank,
                                     std::shared_ptr<const wire::SeriesSet> set,
                                     wire::Columns columns, wire::Id128 boot) {
  coordinator::ReadingBatch batch;
  batch.node = node;
  batch.rank = rank;
  const std::string raw = wire::encode_columns(columns, set->types);
  wire::Compressed compressed = wire::compress(raw, kZstdLevel);
  batch.set = std::move(set);
  batch.columns = std::move(columns);
  batch.payload = std::move(compressed.bytes);
  batch.codec = compressed.codec;
  batch.raw_size = static_cast<std::uint32_t>(raw.size());
  batch.boot = boot;
  return batch;
}

ReadingWorld::ReadingWorld() : vfs_(disk_, fresh_name()) {
  open();
}

void ReadingWorld::open() {
  db_.emplace(must(coordinator::open_store_file(kPath, vfs_.name())));
  store_ = std::make_unique<coordinator::ReadingStore>(*db_);
  must(store_->load());
  eraser_.emplace(*db_);
  query_.emplace(must(coordinator::ReadingQuery::open(kPath, vfs_.name())));
}

void ReadingWorld::close() {
  whole_.reset();
  query_.reset();
  eraser_.reset();
  store_.reset();
  db_.reset();
}

coordinator::ReadingQuery ReadingWorld::make_query() {
  return must(coordinator::ReadingQuery::open(kPath, vfs_.name()));
}

std::unique_ptr<coordinator::StudyReader> ReadingWorld::make_reader() {
  return must(coordinator::StudyReader::open(kPath, vfs_.name()));
}

rt::Status ReadingWorld::change_studies(
    const std::function<rt::Status(coordinator::Studies&)>& job) {
  rt::Transaction transaction(*db_);
  must(transaction.begin());
  coordinator::Studies studies(*db_);
  if (auto done = job(studies); !done) return done;
  return transaction.commit();
}

rt::Status ReadingWorld::run_store(const std::function<rt::Status(coordinator::Store&)>& job) {
  if (!whole_) {
    sim::SimRandom random{sim::Dice(1)};
    coordinator::StoreOptions options;
    options.files = &files_;
    options.blob_directory = "/blobs";
    whole_ = must(coordinator::Store::open(kPath, vfs_.name(), options, random, {}));
  }
  return job(*whole_);
}

coordinator::NodeNo ReadingWorld::add_node(const std::string& name) {
  must(db_->prepare("INSERT INTO node (id, created_ns) VALUES (?, 0)").bind_text(1, name).run());
  return db_->last_insert_rowid();
}

void ReadingWorld::add(const coordinator::ReadingBatch& batch, rt::UnixTime now) {
  rt::Transaction transaction(*db_);
  must(transaction.begin());
  must(store_->add_batch(batch, now));
  must(transaction.commit());
}

void ReadingWorld::compact(const coordinator::CompactionLimits& limits) {
  while (must(store_->compact_step(limits, {}))) {
  }
}

std::int64_t ReadingWorld::delete_readings(const coordinator::DeletionScope& scope,
                                           const std::vector<wire::Rank>& marks,
                                           std::uint64_t ordinal_max) {
  rt::Transaction transaction(*db_);
  must(transaction.begin());
  const std::int64_t gap = must(coordinator::add_deletion(*db_, scope, ordinal_max, marks, {}));
  must(transaction.commit());
  return gap;
}

std::uint64_t ReadingWorld::erase(const coordinator::RetentionRules& rules, rt::UnixTime now) {
  std::uint64_t readings = 0;
  for (;;) {
    const auto step = must(eraser_->step(rules, {.now = now}));
    if (step.finished_gap == 0) readings += step.readings;
    if (!step.more) return readings;
  }
}

std::optional<std::int64_t> ReadingWorld::number(const std::string& sql) {
  rt::Statement& stmt = db_->prepare(sql);
  const bool found = must(stmt.step());
  const auto value = found ? std::optional(stmt.i64(0)) : std::nullopt;
  stmt.reset();
  return value;
}

void ReadingWorld::execute(const std::string& sql) {
  must(db_->execute(sql));
}

std::vector<coordinator::Reading> ReadingWorld::all(coordinator::SeriesId series,
                                                    std::size_t page) {
  std::vector<coordinator::Reading> out;
  coordinator::TimeRange range;
  for (;;) {
    auto more = must(query_->readings(series, range, page));
    if (more.empty()) return out;
    range.from = more.back().time + 1;
    out.insert(out.end(), more.begin(), more.end());
  }
}

}  // namespace fieldpost::test
