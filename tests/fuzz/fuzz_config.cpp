// Any text as agent.toml and as coordinator.toml. What loads is printed as a configuration that
// loads and is the same, and reading it gives a configuration or says what is wrong.
#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/config.h"
#include "coordinator/config.h"
#include "proto/rt/config.h"

namespace {

using fieldpost::rt::Config;
using fieldpost::rt::ConfigSchema;

template <typename Read>
void load_and_read(const std::string& text, const ConfigSchema& schema, Read read) {
  const auto config = load_config(schema, {.file_name = "fuzz.toml", .file_text = text});
  if (!config) {
    FP_CHECK(config.error().message.starts_with("fuzz.toml:"));
    return;
  }
  const auto again =
      load_config(schema, {.file_name = "again.toml", .file_text = to_toml(schema, *config)});
  FP_CHECK(again.has_value());
  FP_CHECK(compare_configs(schema, *config, *again).empty());
  const auto done = read(*config);
  FP_CHECK(done.has_value() || done.error().message.starts_with("fuzz.toml:"));
  FP_CHECK(read(*again).has_value() == done.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  load_and_read(text, fieldpost::agent::agent_schema(), fieldpost::agent::read_agent_config);
  load_and_read(text, fieldpost::coordinator::coordinator_schema(),
                fieldpost::coordinator::read_coordinator_config);
  return 0;
}
