#include "proto/wire/flash_order.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/rt/base64.h"
#include "proto/rt/json_depth.h"
#include "proto/wire/limits.h"
#include "proto/wire/topics.h"

namespace fieldpost::wire {
namespace {

using nlohmann::json;

constexpr std::size_t kSha256HexDigits = 64;
constexpr std::size_t kVersionBytesMax = 120;  // of a device (firmware-bridge/README.md)

bool is_sha256(std::string_view text) {
  return text.size() == kSha256HexDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The text member `key`; empty when there is none.
std::optional<std::string> text_of(const json& object, const char* key) {
  if (!object.contains(key)) return std::string();
  if (!object.at(key).is_string()) return std::nullopt;
  return object.at(key).get<std::string>();
}

bool read_image(const json& object, FlashOrder& order) {
  const auto image = text_of(object, "image");
  auto sha256 = text_of(object, "sha256");
  if (!image || !sha256 || image->empty() == sha256->empty()) return false;
  order.sha256 = *std::move(sha256);
  if (image->empty()) return is_sha256(order.sha256);
  auto bytes = rt::from_base64(*image);
  if (!bytes || bytes->size() > kFlashImageBytesMax) return false;
  order.image = *std::move(bytes);
  return true;
}

}  // namespace

std::string encode(const FlashOrder& order) {
  json object = {
      {"board", order.board}, {"version", order.version}, {"timeout_s", order.timeout_s}};
  if (order.image.empty()) {
    object["sha256"] = order.sha256;
  } else {
    object["image"] = rt::to_base64(order.image);
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<FlashOrder> parse_flash_order(std::string_view arguments) {
  if (arguments.size() > kCommandArgumentsBytesMax || rt::nests_too_deep(arguments)) {
    return std::nullopt;
  }
  const json object = json::parse(arguments, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  FlashOrder order;
  auto board = text_of(object, "board");
  auto version = text_of(object, "version");
  if (!board || !is_valid_id(*board) || !version) return std::nullopt;
  if (version->empty() || version->size() > kVersionBytesMax) return std::nullopt;
  order.board = *std::move(board);
  order.version = *std::move(version);
  if (object.contains("timeout_s")) {
    const json& timeout = object.at("timeout_s");
    if (!timeout.is_number_unsigned()) return std::nullopt;
    const auto seconds = timeout.get<std::uint64_t>();
    if (seconds == 0 || seconds > kFlashTimeoutMaxS) return std::nullopt;
    order.timeout_s = static_cast<unsigned>(seconds);
  }
  if (!read_image(object, order)) return std::nullopt;
  return order;
}

}  // namespace fieldpost::wire
