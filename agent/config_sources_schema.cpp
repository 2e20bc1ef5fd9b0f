#include <iterator>
#include <string_view>
#include <utility>

#include "agent/config_sources.h"
#include "proto/mapping/mapping_keys.h"
#include "proto/rt/config_parts.h"
#include "proto/wire/body.h"

namespace fieldpost::agent {
namespace {

using rt::ConfigKey;
using rt::ConfigSection;
using rt::ConfigType;

constexpr std::size_t kTailedPathMax = 200;  // it becomes the name of a file

bool is_not_empty(std::string_view text) {
  return !text.empty();
}

bool is_tailed_path(std::string_view text) {
  return text.starts_with('/') && text.size() <= kTailedPathMax;
}

bool is_absolute_path(std::string_view text) {
  return text.starts_with('/');
}

bool is_absolute_or_empty(std::string_view text) {
  return text.empty() || is_absolute_path(text);
}

bool is_type_or_empty(std::string_view text) {
  return text.empty() || wire::is_media_type(text);
}

ConfigSection host_metrics_section() {
  return {.name = "source",
          .repeated = true,
          .kind = "host_metrics",
          .keys = {{.name = "every",
                    .type = ConfigType::kDuration,
                    .preset = "1s",
                    .least = "100ms",
                    .most = "1d",
                    .meaning = "between looks"},
                   {.name = "per_core",
                    .type = ConfigType::kFlag,
                    .preset = "false",
                    .meaning = "cpu of each core as well"}}};
}

ConfigSection line_socket_section() {
  return {.name = "source",
          .repeated = true,
          .kind = "line_socket",
          .keys = {{.name = "path",
                    .meaning = "unix socket, beside the one in [listen]",
                    .required = true,
                    .is_valid = is_not_empty,
                    .expectation = "the path of a unix socket"}}};
}

ConfigSection exec_section() {
  return {
      .name = "source",
      .repeated = true,
      .kind = "exec",
      .keys = {{.name = "command",
                .type = ConfigType::kList,
                .meaning = "program and arguments; prints line protocol",
                .required = true},
               {.name = "environment", .type = ConfigType::kMap, .meaning = "added to the agent's"},
               {.name = "directory", .meaning = "to run in; empty: the agent's"},
               {.name = "stream",
                .type = ConfigType::kFlag,
                .preset = "false",
                .meaning = "runs all the time, not once every `every`"},
               {.name = "every",
                .type = ConfigType::kDuration,
                .preset = "10s",
                .least = "100ms",
                .most = "1d",
                .meaning = "between starts"},
               {.name = "sampling",
                .type = ConfigType::kList,
                .meaning = "measurements of which the coordinator may say how often it runs"},
               {.name = "timeout",
                .type = ConfigType::kDuration,
                .preset = "5s",
                .least = "100ms",
                .most = "1d",
                .meaning = "of one run; then it is ended"},
               {.name = "durable",
                .type = ConfigType::kFlag,
                .preset = "false",
                .meaning = "every reading to disk first"},
               mapping::keep_raw_key(),
               {.name = "restart_first",
                .type = ConfigType::kDuration,
                .preset = "1s",
                .least = "10ms",
                .most = "1h",
                .meaning = "stream: pause after it ended, doubled each time"},
               {.name = "restart_most",
                .type = ConfigType::kDuration,
                .preset = "1m",
                .least = "10ms",
                .most = "1d",
                .meaning = "up to this"}}};
}

/// How a JSON object becomes readings.
std::vector<ConfigKey> json_keys() {
  return mapping::mapping_keys("json: ", "JSON pointer");
}

ConfigSection file_tail_section() {
  ConfigSection section{.name = "source",
                        .repeated = true,
                        .kind = "file_tail",
                        .keys = {{.name = "path",
                                  .meaning = "a file of lines that grows",
                                  .required = true,
                                  .is_valid = is_tailed_path,
                                  .expectation = "an absolute path of at most 200 bytes"},
                                 {.name = "format",
                                  .preset = "line_protocol",
                                  .meaning = "of each line",
                                  .choices = {"line_protocol", "json"}},
                                 {.name = "precision",
                                  .preset = "ns",
                                  .meaning = "line_protocol: of its times",
                                  .choices = {"ns", "us", "ms", "s", "m", "h"}},
                                 {.name = "from_beginning",
                                  .type = ConfigType::kFlag,
                                  .preset = "false",
                                  .meaning = "at first sight; otherwise from the end"},
                                 {.name = "every",
                                  .type = ConfigType::kDuration,
                                  .preset = "250ms",
                                  .least = "10ms",
                                  .most = "1h",
                                  .meaning = "between looks at a file that does not grow"},
                                 mapping::keep_raw_key(),
                                 {.name = "measurement", .meaning = "json"}}};
  for (auto& key : json_keys()) section.keys.push_back(std::move(key));
  return section;
}

ConfigSection file_drop_section() {
  return {.name = "source",
          .repeated = true,
          .kind = "file_drop",
          .keys = {{.name = "path",
                    .meaning = "a directory: files that appear in it are taken",
                    .required = true,
                    .is_valid = is_absolute_path,
                    .expectation = "an absolute path"},
                   {.name = "measurement",
                    .meaning = "of the readings that tell of them",
                    .required = true,
                    .is_valid = is_not_empty,
                    .expectation = "the name of a measurement"},
                   {.name = "field", .preset = "frame", .meaning = "of these readings"},
                   {.name = "tags", .type = ConfigType::kMap, .meaning = "of these readings"},
                   {.name = "pattern", .preset = "*", .meaning = "of names: * and ?"},
                   {.name = "type",
                    .meaning = "media type; empty: by the name's end",
                    .is_valid = is_type_or_empty,
                    .expectation = "a media type such as image/jpeg"},
                   {.name = "every",
                    .type = ConfigType::kDuration,
                    .preset = "1s",
                    .least = "50ms",
                    .most = "1h",
                    .meaning = "between looks"},
                   {.name = "settle",
                    .type = ConfigType::kDuration,
                    .preset = "1s",
                    .least = "0s",
                    .most = "1h",
                    .meaning = "a file is taken when it did not change for so long"},
                   {.name = "after",
                    .preset = "delete",
                    .meaning = "what becomes of a file that was taken",
                    .choices = {"delete", "move"}},
                   {.name = "done_path",
                    .meaning = "move: a directory of the same file system",
                    .is_valid = is_absolute_or_empty,
                    .expectation = "an absolute path"},
                   {.name = "bytes_max",
                    .type = ConfigType::kBytes,
                    .preset = "256MiB",
                    .least = "1KiB",
                    .most = "4GiB",
                    .meaning = "of one file; larger ones are left where they are"}}};
}

ConfigSection mqtt_topics_section() {
  ConfigSection section{
      .name = "source",
      .repeated = true,
      .kind = "mqtt_topics",
      .keys = {{.name = "topic",
                .meaning = "levels may be {measurement}, {field} or {a tag}, or + and #",
                .required = true,
                .is_valid = is_not_empty,
                .expectation = "a topic such as \"plant/{room}/{field}\""},
               {.name = "format",
                .preset = "number",
                .meaning = "of the payload",
                .choices = {"number", "json", "sparkplug"}},
               {.name = "measurement", .preset = "mqtt", .meaning = "unless the topic says"},
               {.name = "field", .preset = "value", .meaning = "number: unless the topic says"},
               {.name = "unit", .meaning = "number"},
               mapping::keep_raw_key(),
               {.name = "request_rebirth",
                .type = ConfigType::kFlag,
                .preset = "false",
                .meaning = "sparkplug: ask a node to say again what its metrics are"}}};
  for (auto& key : json_keys()) section.keys.push_back(std::move(key));
  for (auto& key : rt::mqtt_keys("")) section.keys.push_back(std::move(key));
  return section;
}

}  // namespace

rt::ConfigSchema source_sections() {
  return {host_metrics_section(), line_socket_section(), exec_section(),
          file_tail_section(),    file_drop_section(),   mqtt_topics_section()};
}

}  // namespace fieldpost::agent
