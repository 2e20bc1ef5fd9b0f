#pragma once

#include <optional>
#include <string>
#include <variant>

#include "agent/sources/exec.h"
#include "agent/sources/file_drop.h"
#include "agent/sources/file_tail.h"
#include "agent/sources/host_metrics.h"
#include "agent/sources/line_socket.h"
#include "agent/sources/mqtt_topics.h"
#include "proto/rt/config.h"

namespace fieldpost::agent {

/// `main` gives it a client id and the password.
struct MqttSourceConfig {
  MqttTopicsConfig topics;
  std::string password_file;  ///< empty: none
};

using SourceConfig = std::variant<HostMetricsConfig, LineSocketConfig, ExecConfig, FileTailConfig,
                                  MqttSourceConfig, FileDropConfig>;

/// What a source takes from the rest of the configuration.
struct SourceDefaults {
  rt::MqttOptions broker;
  std::string password_file;
  std::string position_directory;  ///< of file_tail
};

/// What its raw messages are filed under; nullopt: it keeps none.
[[nodiscard]] std::optional<std::string> raw_source_of(const SourceConfig& source);

/// One section for each kind of [[source]].
[[nodiscard]] rt::ConfigSchema source_sections();
/// kInvalid names file, line, key and what was expected.
rt::Result<SourceConfig> read_source(const rt::ConfigTable& table, const SourceDefaults& defaults);

}  // namespace fieldpost::agent
