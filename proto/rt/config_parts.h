#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/config.h"
#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/mqtt.h"

/// What the configurations of both daemons share.
namespace fieldpost::rt {

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080".
struct Address {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
};
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] bool is_loopback_host(std::string_view host);

/// `key` of `table` as an address to listen at, or empty. One that is not loopback needs
/// `allow_insecure` in the same table, because there are no users and no TLS yet.
Result<std::string> read_listen_address(const ConfigTable& table, std::string_view key);
/// What a start line says behind an address that is listened at; empty where allow_insecure opens
/// it to others.
[[nodiscard]] std::string trust_words(std::string_view listen);
/// One warning for each address that is open to others because allow_insecure lets it be.
[[nodiscard]] std::vector<std::string> list_insecure(const ConfigSchema& schema,
                                                     const Config& config);
/// Whether every file that is named can be read: kInvalid or kDenied, with file, line and key.
Status check_files(const ConfigSchema& schema, const Config& config, Files& files);
[[nodiscard]] ConfigKey listen_key(std::string name, std::string preset, std::string meaning);
[[nodiscard]] ConfigKey allow_insecure_key();

struct MqttConfig {
  MqttOptions options;        ///< without client id, will and password
  std::string password_file;  ///< empty: none; its first line is the password
  bool is_loopback = false;   ///< of the broker's host
};

/// Keys of [mqtt]; `url` has `preset` as default, and may be empty if that is.
[[nodiscard]] std::vector<ConfigKey> mqtt_keys(const std::string& preset);
Result<MqttConfig> read_mqtt(const ConfigTable& table);

/// [codec]; `what` is compressed.
[[nodiscard]] ConfigSection codec_section(const std::string& what);
[[nodiscard]] ConfigSection log_section();
[[nodiscard]] LogLevel read_log_level(const ConfigTable& table);

}  // namespace fieldpost::rt
