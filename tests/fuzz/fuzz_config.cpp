#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/rt/config.h"

namespace {

using namespace fieldpost::rt;

const ConfigSchema& schema() {
  static const ConfigSchema known = {
      {.name = "batch",
       .keys = {{.name = "window", .type = ConfigType::kDuration, .preset = "100ms"},
                {.name = "bytes_max", .type = ConfigType::kBytes, .preset = "64KiB"},
                {.name = "count", .type = ConfigType::kInteger, .preset = "3", .least = "1"},
                {.name = "labels", .type = ConfigType::kList},
                {.name = "on", .type = ConfigType::kFlag, .preset = "true"},
                {.name = "name"}}},
      {.name = "source",
       .repeated = true,
       .kind = "exec",
       .keys = {{.name = "command"}, {.name = "tags", .type = ConfigType::kMap}}},
      {.name = "source", .repeated = true, .kind = "tail", .keys = {{.name = "path"}}}};
  return known;
}

}  // namespace

/// What loads is printed as a configuration that loads and is the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = load_config(schema(), {.file_name = "fuzz.toml", .file_text = text});
  if (!config) return 0;
  const auto again =
      load_config(schema(), {.file_name = "again.toml", .file_text = to_toml(schema(), *config)});
  FP_CHECK(again.has_value());
  FP_CHECK(compare_configs(schema(), *config, *again).empty());
  return 0;
}
