#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "proto/wire/describe.h"
#include "tools/cli/line_input.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<wire::PublicKey> parse_key(const std::string& hex) {
  const auto bytes = from_hex(hex);
  wire::PublicKey key{};
  if (!bytes || bytes->size() != key.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

}  // namespace

int run_decode(Context& context, const DecodeOptions& options) {
  std::optional<wire::PublicKey> key;
  if (!options.key.empty()) {
    key = parse_key(options.key);
    if (!key) return context.fail({rt::Errc::kInvalid, "--key: expected 64 hex digits"});
  }
  LineInput input(context.in);
  bool all_good = true;
  while (const auto line = input.next()) {
    if (line->empty()) continue;
    const std::size_t space = line->rfind(' ');  // a topic may contain spaces
    const std::string topic = line->substr(0, space);
    const auto payload =
        space == std::string::npos ? std::nullopt : from_hex(line->substr(space + 1));
    if (!payload) {
      all_good = false;
      fmt::print(context.err, "fieldpost: line {}: expected TOPIC and the payload in hex\n",
                 input.lines_read());
      continue;
    }
    std::string text = wire::describe_message(topic, *payload, key ? &*key : nullptr);
    if (!text.ends_with('\n')) text += '\n';
    if (!context.print(text)) break;
  }
  return all_good ? kExitDone : kExitFailed;
}

}  // namespace fieldpost::cli
