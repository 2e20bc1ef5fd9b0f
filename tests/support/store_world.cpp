#include "tests/support/store_world.h"

#include <utility>

namespace fieldpost::test {

namespace {

constexpr const char* kPath = "/store.db";
constexpr const char* kBlobs = "/blobs";

}  // namespace

StoreWorld::StoreWorld(rt::UnixTime now, coordinator::StoreOptions options) : options_(options) {
  options_.files = &files_;
  options_.blob_directory = kBlobs;
  open(now);
  FP_CHECK(ledger().enter(node(), kStoreIncarnation, 0, 0, now).has_value());
}

void StoreWorld::open(rt::UnixTime now) {
  auto opened = coordinator::Store::open(kPath, vfs_.name(), options_, random_, now);
  FP_CHECK(opened.has_value());
  store_ = std::move(*opened);
}

void StoreWorld::restart(rt::UnixTime now) {
  store_.reset();
  open(now);
}

void StoreWorld::power_cut(rt::UnixTime now) {
  disk_.stop();
  store_.reset();
  disk_.restart_after_power_cut(dice_);
  open(now);
}

void StoreWorld::save() {
  saved_ = disk_.snapshot();
}

void StoreWorld::set_back(rt::UnixTime now) {
  store_.reset();
  disk_.restore(saved_);
  open(now);
}

std::optional<std::int64_t> StoreWorld::number(const std::string& sql) {
  rt::Statement& rows = store_->database().prepare(sql);
  const auto row = rows.step();
  FP_CHECK(row.has_value());
  if (!*row || rows.is_null(0)) {
    rows.reset();
    return std::nullopt;
  }
  const std::int64_t value = rows.i64(0);
  rows.reset();
  return value;
}

std::string StoreWorld::text(const std::string& sql) {
  rt::Statement& rows = store_->database().prepare(sql);
  const auto row = rows.step();
  FP_CHECK(row.has_value());
  std::string value(*row ? rows.text(0) : "");
  rows.reset();
  return value;
}

coordinator::NodeNo StoreWorld::node() {
  const auto no = ledger().node_no("n1", kStoreNow);
  FP_CHECK(no.has_value());
  return *no;
}

rt::Result<coordinator::ReadingQuery> StoreWorld::make_reading_query() {
  return coordinator::ReadingQuery::open(kPath, vfs_.name());
}

rt::Result<coordinator::LedgerQuery> StoreWorld::make_ledger_query() {
  return coordinator::LedgerQuery::open(kPath, vfs_.name());
}

}  // namespace fieldpost::test
