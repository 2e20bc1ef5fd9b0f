#include "proto/mapping/raw_message.h"

#include <nlohmann/json.hpp>

#include "proto/rt/base64.h"
#include "proto/rt/json_text.h"
#include "proto/wire/names.h"

namespace fieldpost::mapping {
namespace {

using nlohmann::json;

rt::Error invalid(const char* what) {
  return {rt::Errc::kInvalid, what};
}

}  // namespace

std::optional<std::string> encode_raw(const Message& message) {
  // Also keeps base64 from growing far over the limit.
  if (message.topic.size() + message.payload.size() > kRawTextBytesMax) return std::nullopt;
  const bool is_text = wire::is_utf8(message.payload);
  std::string out = "{";
  const auto begin_member = [&out](std::string_view name) {
    if (out.size() > 1) out += ',';
    out += name;
  };
  if (!message.topic.empty()) {
    begin_member("\"topic\":");
    rt::append_json_string(out, message.topic);
  }
  if (message.retained) begin_member("\"retained\":true");
  if (!is_text) begin_member("\"base64\":true");
  out += "}\n";
  out += is_text ? std::string(message.payload) : rt::to_base64(message.payload);
  if (out.size() > kRawTextBytesMax) return std::nullopt;
  return out;
}

rt::Result<RawMessage> decode_raw(std::string_view text) {
  const std::size_t feed = text.find('\n');
  if (feed == std::string_view::npos) return invalid("a raw message has no head");
  const json head = json::parse(text.substr(0, feed), nullptr, false);
  if (!head.is_object()) return invalid("the head of a raw message is a JSON object");
  RawMessage out;
  const auto flag = [&head](const char* name) {
    const auto at = head.find(name);
    return at != head.end() && at->is_boolean() && at->get<bool>();
  };
  if (const auto topic = head.find("topic"); topic != head.end()) {
    if (!topic->is_string()) return invalid("the topic of a raw message is a string");
    out.topic = topic->get<std::string>();
  }
  out.retained = flag("retained");
  const std::string_view payload = text.substr(feed + 1);
  if (!flag("base64")) {
    out.payload = payload;
    return out;
  }
  auto bytes = rt::from_base64(payload);
  if (!bytes) return invalid("the payload of a raw message is not base64");
  out.payload = *std::move(bytes);
  return out;
}

}  // namespace fieldpost::mapping
