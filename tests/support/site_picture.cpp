#include "tests/support/site_picture.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/plain_socket.h"
#include "tests/support/sqlite_copy.h"

namespace fieldpost::test {

namespace {

using nlohmann::json;

/// Every row of a file, as the sqlite3 shell prints it, but for tables that change by themselves.
std::string rows_of(const std::string& path, const std::string& directory) {
  const auto dump = ask_sqlite_copy(path, directory, ".dump");
  REQUIRE(dump.has_value());
  std::istringstream lines(*dump);
  std::string rows;
  for (std::string line; std::getline(lines, line);) {
    // Batches become chunks in time, and a node's row says when it was last seen.
    const bool moves =
        line.starts_with("INSERT INTO batch ") || line.starts_with("INSERT INTO chunk ") ||
        line.starts_with("INSERT INTO pack ") || line.starts_with("INSERT INTO node ");
    const bool ages = line.starts_with("INSERT INTO fact VALUES('age_ms'");
    if (line.starts_with("INSERT INTO") && !moves && !ages) rows += line + "\n";
  }
  REQUIRE(!rows.empty());
  return rows;
}

}  // namespace

std::map<std::string, std::string> picture(const RealSite& site) {
  std::map<std::string, std::string> out;
  out["store"] = rows_of(site.store_file(), site.directory());
  out["spool"] = rows_of(site.spool_file(), site.directory());
  out["gaps"] = site.ask("/api/v1/gaps").value().dump();
  out["commands"] = site.ask("/api/v1/nodes/n1/commands").value().dump();
  json nodes = site.ask("/api/v1/nodes").value();
  for (json& node : nodes.at("items")) {
    for (const char* moving : {"last_seen", "clock", "disk_bytes_written", "wire_bytes_sent",
                               "messages_ignored", "alarms"}) {
      node.erase(moving);
    }
    node.at("spool").erase("forecast_s");
    node.at("spool").erase("forecast_class");
  }
  out["nodes"] = nodes.dump();
  out["sessions"] = fmt::format("{}", metric(site, "fieldpost_welcomes_total"));
  const json series = site.ask("/api/v1/series").value();
  out["series"] = series.dump();
  for (const json& each : series.at("items")) {
    out["readings"] += site.ask("/api/v1/readings?series=" + each.at("id").dump()).value().dump();
  }
  return out;
}

int count_readings(const RealSite& site, const std::string& filter) {
  const auto list = site.ask("/api/v1/series?" + filter);
  int readings = 0;
  if (list) {
    for (const json& each : list->at("items")) readings += each.at("count").get<int>();
  }
  return readings;
}

bool is_settled(const RealSite& site) {
  if (!site.drained()) return false;
  const json node = site.node();
  if (node.at("held") != 0 || node.at("spool").at("records") != 0) return false;
  const auto held = ask_sqlite_copy(site.spool_file(), site.directory(),
                                    "SELECT count(*) FROM record WHERE state = 1;");
  return held == "0\n";
}

double metric(const RealSite& site, const std::string& name) {
  const std::string text = http_call(site.coordinator_port(), "GET", "/metrics").body;
  const auto found = text.find("\n" + name + " ");
  REQUIRE(found != text.npos);
  return std::stod(text.substr(found + name.size() + 2));
}

}  // namespace fieldpost::test
