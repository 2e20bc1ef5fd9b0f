#include "proto/rt/config_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fieldpost::rt {
namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_listen_address(std::string_view text) {
  return text.empty() || parse_address(text).has_value();
}

struct BrokerUrl {
  bool tls = false;
  std::string host;
};

/// No user and password: those have keys of their own.
std::optional<BrokerUrl> parse_broker_url(std::string_view url) {
  constexpr std::string_view kPlain = "mqtt://";
  constexpr std::string_view kTls = "mqtts://";
  const bool tls = url.starts_with(kTls);
  if (!tls && !url.starts_with(kPlain)) return std::nullopt;
  url.remove_prefix(tls ? kTls.size() : kPlain.size());
  if (url.find_first_of("@/?# ") != std::string_view::npos) return std::nullopt;
  const bool has_port = url.rfind(':') != std::string_view::npos && !url.ends_with(']');
  const auto address = parse_address(has_port ? std::string(url) : fmt::format("{}:1883", url));
  if (!address || address->port == 0) return std::nullopt;
  return BrokerUrl{tls, address->host};
}

/// Of a listening address or a broker's url: neither loopback nor TLS.
bool is_open(std::string_view text) {
  if (const auto url = parse_broker_url(text)) return !url->tls && !is_loopback_host(url->host);
  const auto address = parse_address(text);
  return address && !is_loopback_host(address->host);
}

bool is_broker_url(std::string_view url) {
  return parse_broker_url(url).has_value();
}

bool is_broker_url_or_empty(std::string_view url) {
  return url.empty() || is_broker_url(url);
}

ConfigKey file_key(std::string name, std::string meaning) {
  return {.name = std::move(name), .meaning = std::move(meaning), .is_file = true};
}

Status check_tls_files(const ConfigTable& table, bool tls) {
  for (const std::string_view key : {"ca_file", "cert_file", "key_file"})
    if (!tls && !table.text(key).empty())
      return table.error(key, "expected a url that starts with mqtts:// beside it");
  if (table.text("cert_file").empty() != table.text("key_file").empty())
    return table.error("cert_file", "expected cert_file and key_file together");
  if (table.text("username").empty() && !table.text("password_file").empty())
    return table.error("password_file", "expected a username beside it");
  return ok();
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::nullopt;
  if (host.empty() || host.find_first_of("[] /@") != std::string_view::npos || !port)
    return std::nullopt;
  return Address{std::string(host), *port};
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<std::string> read_listen_address(const ConfigTable& table, std::string_view key) {
  const std::string& text = table.text(key);
  if (text.empty()) return text;
  const auto address = parse_address(text);
  FP_CHECK(address.has_value());
  if (is_loopback_host(address->host) || table.flag("allow_insecure")) return text;
  return table.error(key,
                     fmt::format("expected a loopback address, or allow_insecure = true beside "
                                 "it: without TLS and users, {} is open to whoever reaches it",
                                 text));
}

std::string trust_words(std::string_view listen) {
  return is_open(listen) ? "" : " (loopback only: no TLS, no users)";
}

std::vector<std::string> list_insecure(const ConfigSchema& schema, const Config& config) {
  std::vector<std::string> found;
  for_each_table(schema, config, [&](const ConfigSection& section, const ConfigTable& table) {
    for (const ConfigKey& key : section.keys) {
      if (!key.is_address || !is_open(table.text(key.name))) continue;
      found.push_back(fmt::format(
          "{}.{}: {} is open to whoever reaches it, without TLS and users: allow_insecure is on",
          section.name, key.name, table.text(key.name)));
    }
  });
  return found;
}

Status check_files(const ConfigSchema& schema, const Config& config, Files& files) {
  Status done = ok();
  for_each_table(schema, config, [&](const ConfigSection& section, const ConfigTable& table) {
    for (const ConfigKey& key : section.keys) {
      if (!done || !key.is_file || table.text(key.name).empty()) continue;
      const auto bytes = files.read(table.text(key.name), 0, 1);
      if (bytes) continue;
      const Error error = table.error(key.name, bytes.error().message);
      done = Error{bytes.error().code == Errc::kDenied ? Errc::kDenied : Errc::kInvalid,
                   error.message};
    }
  });
  return done;
}

ConfigKey listen_key(std::string name, std::string preset, std::string meaning) {
  return {.name = std::move(name),
          .preset = std::move(preset),
          .meaning = std::move(meaning),
          .is_address = true,
          .is_valid = is_listen_address,
          .expectation = "an address such as \"127.0.0.1:8080\", or \"\" for none"};
}

ConfigKey allow_insecure_key() {
  return {.name = "allow_insecure",
          .type = ConfigType::kFlag,
          .preset = "false",
          .meaning = "allow an address that is not loopback without TLS and users"};
}

std::vector<ConfigKey> mqtt_keys(const std::string& preset) {
  return {{.name = "url",
           .preset = preset,
           .meaning = "the broker: mqtt://host:port, or mqtts:// for TLS",
           .is_address = true,
           .is_valid = preset.empty() ? is_broker_url_or_empty : is_broker_url,
           .expectation = "a url such as \"mqtt://127.0.0.1:1883\" or \"mqtts://broker:8883\", "
                          "without user and path"},
          file_key("ca_file", "mqtts only; empty: the system's certificates"),
          file_key("cert_file", "mqtts only; empty: no certificate of our own"),
          file_key("key_file", "of cert_file"),
          {.name = "username", .meaning = "empty: none"},
          file_key("password_file", "its first line is the password"),
          {.name = "keepalive",
           .type = ConfigType::kDuration,
           .preset = "15s",
           .least = "1s",
           .most = "1h",
           .meaning = "a dead broker is noticed after about 2.5 of it"},
          {.name = "connect_timeout",
           .type = ConfigType::kDuration,
           .preset = "10s",
           .least = "1s",
           .most = "5m",
           .meaning = "then it is tried again"},
          allow_insecure_key()};
}

Result<MqttConfig> read_mqtt(const ConfigTable& table) {
  MqttConfig config;
  config.options.url = table.text("url");
  const auto url = parse_broker_url(config.options.url);
  FP_CHECK(url.has_value());
  config.is_loopback = is_loopback_host(url->host);
  if (!url->tls && !config.is_loopback && !table.flag("allow_insecure"))
    return table.error("url", fmt::format("expected mqtts://, a loopback address, or "
                                          "allow_insecure = true beside it, got \"{}\"",
                                          config.options.url));
  if (auto checked = check_tls_files(table, url->tls); !checked) return checked.error();
  config.options.ca_file = table.text("ca_file");
  config.options.cert_file = table.text("cert_file");
  config.options.key_file = table.text("key_file");
  config.options.username = table.text("username");
  config.options.keepalive = std::chrono::duration_cast<Seconds>(table.duration("keepalive"));
  config.options.connect_timeout =
      std::chrono::duration_cast<Seconds>(table.duration("connect_timeout"));
  config.password_file = table.text("password_file");
  return config;
}

ConfigSection codec_section(const std::string& what) {
  return {.name = "codec",
          .keys = {{.name = "zstd_level",
                    .type = ConfigType::kInteger,
                    .preset = "3",
                    .least = "1",
                    .most = "19",
                    .meaning = "of " + what + "; higher: smaller and slower"}}};
}

ConfigSection log_section() {
  return {.name = "log",
          .keys = {{.name = "level",
                    .preset = "info",
                    .meaning = "and above",
                    .reloadable = true,
                    .choices = {"debug", "info", "warning", "error"}}}};
}

LogLevel read_log_level(const ConfigTable& table) {
  const std::string& level = table.text("level");
  if (level == "debug") return LogLevel::kDebug;
  if (level == "info") return LogLevel::kInfo;
  return level == "warning" ? LogLevel::kWarning : LogLevel::kError;
}

}  // namespace fieldpost::rt
