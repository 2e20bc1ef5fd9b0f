#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/mapping/mapper.h"

using namespace fieldpost;           // NOLINT: a program's own file
using namespace fieldpost::mapping;  // NOLINT

namespace {

void check_rules_text(std::string_view text) {
  const auto rules = parse_rules(text);
  if (!rules) return;
  const std::string written = encode_rules(*rules);
  const auto again = parse_rules(written);
  if (!again || encode_rules(*again) != written) __builtin_trap();
}

void check_raw(const RawMessage& message) {
  const auto text = encode_raw(message.view());
  if (!text) return;
  const auto again = decode_raw(*text);
  // A topic that is not UTF-8, which no broker lets through, does not come back as it was.
  if (!again || again->payload != message.payload) __builtin_trap();
}

}  // namespace

/// Rules up to the first zero byte, then a raw message: what is understood of either comes back,
/// every series that is made can be stored, and a request is mapped as a whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = input.find('\0');
  const std::string_view rules_text = input.substr(0, zero);
  const std::string_view raw = zero == std::string_view::npos ? "" : input.substr(zero + 1);
  check_rules_text(rules_text);
  const auto message = decode_raw(raw);
  if (!message) return 0;
  check_raw(*message);
  auto rules = parse_rules(rules_text);
  if (!rules) return 0;
  auto mapper = Mapper::make(*std::move(rules));
  if (!mapper) return 0;
  for (int i = 0; i < 2; ++i) {
    const auto mapped = mapper->map(message->view(), rt::UnixTime{7}, {});
    const bool is_partial = !mapped.status && mapped.lines.readings > 0;
    if (is_request(mapper->rules().format) && is_partial) __builtin_trap();
    for (const std::string& key : mapped.lines.keys) {
      if (!wire::SeriesKey::parse(key)) __builtin_trap();
    }
  }
  return 0;
}
