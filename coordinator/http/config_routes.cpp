#include "coordinator/http/config_routes.h"

#include <utility>

#include "coordinator/experiments/study_json.h"
#include "coordinator/http/cursor.h"
#include "coordinator/http/study_answers.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kConfigCursor = 'S';
constexpr const char* kExpected =
    R"(expected a JSON object such as {"name": "greenhouse", "sensors": […]}, or with "clone": )"
    R"("other" instead of sensors, or with neither: the defaults)";

void list_configs(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  const std::string cursor = parameters.text("cursor");
  const auto after = cursor.empty() ? std::string() : read_cursor(kConfigCursor, cursor);
  if (!after) parameters.complain("cursor", "expected a next_cursor of this list");
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [after = *after, limit, times](StudyReader& reader) -> rt::Result<std::string> {
        const auto page = reader.studies.configs.list(after, limit);
        if (!page) return page.error();
        std::string items;
        for (const SensorConfig& config : *page) append_item(items, config_json(config, times));
        return list_json(items,
                         page->size() < limit ? "" : make_cursor(kConfigCursor, page->back().name));
      },
      answer_study(std::move(call.responder)));
}

void show_config(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  const auto version =
      static_cast<std::int64_t>(parameters.count("version", 0, kConfigVersionsMax));
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [name = call.path[0], version, times](StudyReader& reader) -> rt::Result<std::string> {
        const auto config = reader.studies.configs.find(name, version);
        if (!config) return config.error();
        return config_json(*config, times);
      },
      answer_study(std::move(call.responder)));
}

void list_versions(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [name = call.path[0], times](StudyReader& reader) -> rt::Result<std::string> {
        const auto versions = reader.studies.configs.versions(name);
        if (!versions) return versions.error();
        std::string items;
        for (const SensorConfig& each : *versions) {
          const auto whole = reader.studies.configs.find(name, each.version);
          if (!whole) return whole.error();
          append_item(items, config_json(*whole, times));
        }
        return list_json(items, "");
      },
      answer_study(std::move(call.responder)));
}

/// From a list of sensors, from another config, or from the defaults.
void create_config(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  fields.only({"name", "sensors", "clone", "version", "by"});
  SensorConfig config;
  config.name = name_in(fields);
  config.author = who(fields, call);
  const std::string clone = fields.text("clone");
  const std::int64_t version = fields.integer("version").value_or(0);
  if (fields.has("sensors") && fields.has("clone")) {
    fields.complain("clone", R"(expected it or "sensors", not both)");
  }
  config.sensors = fields.has("sensors") ? read_sensors(fields) : services.default_sensors;
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [config, clone, version,
       now = services.clock.now()](Studies& studies) mutable -> rt::Result<std::string> {
        if (!clone.empty()) {
          auto other = studies.configs.find(clone, version);
          if (!other) return other.error();
          config.sensors = std::move(other->sensors);
        }
        const auto made = studies.configs.create(config, now);
        if (!made) return made.error();
        return config_json(*made, TimeFormat::kRfc3339);
      },
      answer_study(std::move(call.responder), 201));
}

void edit_config(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  fields.only({"sensors", "by"});
  if (!fields.has("sensors")) fields.complain("sensors", "expected the whole list of sensors");
  SensorConfig config;
  config.name = call.path[0];
  config.author = who(fields, call);
  config.sensors = read_sensors(fields);
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [config, now = services.clock.now()](Studies& studies) -> rt::Result<std::string> {
        const auto made = studies.configs.edit(config, now);
        if (!made) return made.error();
        return config_json(*made, TimeFormat::kRfc3339);
      },
      answer_study(std::move(call.responder)));
}

}  // namespace

void add_config_routes(Router& router, Services& services) {
  const auto add = [&](const char* method, const char* path, void (*handler)(Services&, Call)) {
    router.add(method, path,
               [&services, handler](Call call) { handler(services, std::move(call)); });
  };
  add("GET", "/api/v1/sensor_configs", list_configs);
  add("POST", "/api/v1/sensor_configs", create_config);
  add("GET", "/api/v1/sensor_configs/{name}", show_config);
  add("PUT", "/api/v1/sensor_configs/{name}", edit_config);
  add("GET", "/api/v1/sensor_configs/{name}/versions", list_versions);
}

}  // namespace fieldpost::coordinator
