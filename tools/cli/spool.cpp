#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "proto/rt/sqlite.h"
#include "proto/wire/ids.h"
#include "tools/cli/text_table.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

constexpr std::int64_t kStateHeld = 1;

/// The file itself, or the one of that name in a directory.
std::string file_of(const std::string& path) {
  return path.ends_with(".db") ? path : path + "/spool.db";
}

std::string class_words(std::int64_t record_class) {
  switch (record_class) {
    case 0: return "gap";
    case 1: return "event";
    case 2: return "log";
    case 3: return "bodies";
    default: return fmt::format("readings {}", record_class - 16);
  }
}

rt::Result<std::string> load_fact(rt::Database& db, const char* key) {
  rt::Statement& get = db.prepare("SELECT value FROM fact WHERE key = ?1");
  get.bind_text(1, key);
  const auto row = get.step();
  if (!row) return row.error();
  std::string value(*row ? get.blob(0) : std::string_view());
  get.reset();
  return value;
}

rt::Result<std::uint64_t> load_number(rt::Database& db, const char* key) {
  const auto text = load_fact(db, key);
  if (!text) return text.error();
  std::uint64_t value = 0;
  std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

rt::Result<Json> load_summary(rt::Database& db) {
  Json summary = Json::object();
  for (const char* key : {"spool_id", "store_id"}) {
    const auto id = load_fact(db, key);
    if (!id) return id.error();
    summary[key] = id->size() == 16 ? Json(wire::Id128::from_bytes(*id).hex()) : Json();
  }
  for (const char* key : {"accepted", "shed", "age_ms", "generation"}) {
    const auto number = load_number(db, key);
    if (!number) return number.error();
    summary[key] = *number;
  }
  return summary;
}

rt::Result<Json> load_rows(rt::Database& db, std::string_view sql,
                           const std::function<Json(rt::Statement&)>& row_of) {
  Json rows = Json::array();
  rt::Statement& select = db.prepare(sql);
  while (true) {
    const auto row = select.step();
    if (!row) return row.error();
    if (!*row) break;
    rows.push_back(row_of(select));
  }
  select.reset();
  return rows;
}

rt::Result<Json> load_spool(const std::string& path) {
  auto db = rt::Database::open(path, {.read_only = true});
  if (!db) return db.error();
  auto spool = load_summary(*db);
  if (!spool) return spool;
  const std::uint64_t age = spool->at("age_ms").get<std::uint64_t>();
  auto records = load_rows(
      *db,
      "SELECT class, state, count(*), sum(readings), sum(bytes), min(age_ms) FROM record "
      "GROUP BY class, state ORDER BY class, state",
      [age](const rt::Statement& row) {
        const std::uint64_t oldest = row.u64(5);
        return Json{{"class", class_words(row.i64(0))},
                    {"state", row.i64(1) == kStateHeld ? "held" : "delivered"},
                    {"records", row.u64(2)},
                    {"readings", row.u64(3)},
                    {"bytes", row.u64(4)},
                    {"oldest_age_s", static_cast<double>(age > oldest ? age - oldest : 0) / 1000}};
      });
  if (!records) return records;
  auto incarnations = load_rows(*db,
                                "SELECT spool, value, ordinal, highest, lease FROM incarnation "
                                "ORDER BY no",
                                [](const rt::Statement& row) {
                                  return Json{{"spool", wire::Id128::from_bytes(row.blob(0)).hex()},
                                              {"incarnation", fmt::format("{:016x}", row.u64(1))},
                                              {"ordinal", row.u64(2)},
                                              {"highest", row.u64(3)},
                                              {"lease", row.u64(4)}};
                                });
  if (!incarnations) return incarnations;
  (*spool)["records"] = *std::move(records);
  (*spool)["incarnations"] = *std::move(incarnations);
  return spool;
}

std::string spool_text(const Json& spool) {
  const auto number = [&](const Json& row, const char* name) {
    return count_words(row.at(name).get<std::uint64_t>());
  };
  std::string out = fmt::format(
      "spool        {}\ncoordinator  {}\naccepted     {} readings, {} of them shed\nage          "
      "{} of running\nincarnations {}\n",
      value_words(spool.at("spool_id")),
      spool.at("store_id").is_null() ? "none yet" : value_words(spool.at("store_id")),
      number(spool, "accepted"), number(spool, "shed"),
      duration_words(spool.at("age_ms").get<double>() / 1000), spool.at("incarnations").size());
  if (spool.at("records").empty()) return out + "\nnothing is on disk\n";
  TextTable table({{"CLASS", {}},
                   {"STATE", {}},
                   {"RECORDS", Align::kRight},
                   {"READINGS", Align::kRight},
                   {"BYTES", Align::kRight},
                   {"OLDEST", {}}});
  for (const Json& row : spool.at("records")) {
    table.add({value_words(row.at("class")), value_words(row.at("state")), number(row, "records"),
               number(row, "readings"), bytes_words(row.at("bytes").get<std::uint64_t>()),
               duration_words(row.at("oldest_age_s").get<double>())});
  }
  return out + "\n" + table.text();
}

}  // namespace

int run_spool(Context& context, const SpoolOptions& options) {
  const auto spool = load_spool(file_of(options.directory));
  if (!spool) return context.fail(spool.error());
  context.print(context.json ? spool->dump(2) + "\n" : spool_text(*spool));
  return kExitDone;
}

}  // namespace fieldpost::cli
