#include "coordinator/store/config_table.h"

#include <fmt/format.h>

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

Error no_config(const std::string& name, std::int64_t version) {
  return {Errc::kNotFound,
          version == 0 ? fmt::format("no sensor config \"{}\"", name)
                       : fmt::format("no version {} of sensor config \"{}\"", version, name)};
}

/// name, version, created_ns, author, sensors.
Result<SensorConfig> read(rt::Statement& row) {
  SensorConfig config;
  config.name = row.text(0);
  config.version = row.i64(1);
  config.created = row.i64(2);
  config.author = row.text(3);
  auto sensors = parse_sensors(fmt::format(R"({{"sensors":{}}})", row.text(4)));
  if (!sensors) {
    return Error{Errc::kCorrupt, fmt::format("version {} of sensor config \"{}\": {}",
                                             config.version, config.name, sensors.error().message)};
  }
  config.sensors = *std::move(sensors);
  return config;
}

Result<std::vector<SensorConfig>> read_all(rt::Statement& stmt) {
  std::vector<SensorConfig> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    auto config = read(stmt);
    if (!config) {
      stmt.reset();
      return config.error();
    }
    out.push_back(*std::move(config));
  }
}

}  // namespace

Result<std::vector<SensorConfig>> ConfigTable::list(const std::string& after, std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT name, version, created_ns, author, sensors FROM sensor_config AS a WHERE name > ?1"
      " AND version = (SELECT max(version) FROM sensor_config AS b WHERE b.name = a.name)"
      " ORDER BY name LIMIT ?2");
  stmt.bind_text(1, after).bind(2, static_cast<std::int64_t>(limit));
  return read_all(stmt);
}

Result<SensorConfig> ConfigTable::find(const std::string& name, std::int64_t version) {
  rt::Statement& stmt = db_.prepare(
      "SELECT name, version, created_ns, author, sensors FROM sensor_config WHERE name = ?1"
      " AND (?2 = 0 OR version = ?2) ORDER BY version DESC LIMIT 1");
  stmt.bind_text(1, name).bind(2, version);
  auto found = read_all(stmt);
  if (!found) return found.error();
  if (found->empty()) return no_config(name, version);
  return std::move(found->front());
}

Result<std::vector<SensorConfig>> ConfigTable::versions(const std::string& name) {
  rt::Statement& stmt = db_.prepare(
      "SELECT name, version, created_ns, author, '[]' FROM sensor_config WHERE name = ?1"
      " ORDER BY version");
  stmt.bind_text(1, name);
  auto found = read_all(stmt);
  if (found && found->empty()) return no_config(name, 0);
  return found;
}

Result<SensorConfig> ConfigTable::create(SensorConfig config, rt::UnixTime now) {
  const auto taken = find(config.name, 0);
  if (taken) return Error{Errc::kDenied, fmt::format("sensor config \"{}\" exists", config.name)};
  if (taken.error().code != Errc::kNotFound) return taken.error();
  config.version = 1;
  config.created = now.ns;
  if (auto done = insert(config); !done) return done.error();
  return config;
}

Result<SensorConfig> ConfigTable::edit(SensorConfig config, rt::UnixTime now) {
  auto newest = find(config.name, 0);
  if (!newest || newest->sensors == config.sensors) return newest;
  if (newest->version >= kConfigVersionsMax) {
    return Error{Errc::kFull,
                 fmt::format("sensor config \"{}\" has {} versions: clone it and go on "
                             "with the clone",
                             config.name, newest->version)};
  }
  config.version = newest->version + 1;
  config.created = now.ns;
  if (auto done = insert(config); !done) return done.error();
  return config;
}

rt::Status ConfigTable::insert(const SensorConfig& config) {
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO sensor_config (name, version, created_ns, author, sensors)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  stmt.bind_text(1, config.name).bind(2, config.version).bind(3, config.created);
  stmt.bind_text(4, config.author).bind_text(5, sensors_json(config.sensors));
  return stmt.run();
}

}  // namespace fieldpost::coordinator
