#include "coordinator/triggers/in_quotes.h"

#include "proto/rt/json_text.h"

namespace fieldpost::coordinator {

std::string in_quotes(std::string_view text, std::size_t bytes_max) {
  std::string out;
  rt::append_json_string(out, text.substr(0, bytes_max));
  if (text.size() > bytes_max) out += "…";
  return out;
}

}  // namespace fieldpost::coordinator
