#include "coordinator/triggers/in_quotes.h"

#include <cstddef>

#include "proto/rt/json_text.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kShownBytesMax = 80;

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string out;
  rt::append_json_string(out, text.substr(0, kShownBytesMax));
  if (text.size() > kShownBytesMax) out += "…";
  return out;
}

}  // namespace fieldpost::coordinator
