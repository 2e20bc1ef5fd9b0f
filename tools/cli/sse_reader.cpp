#include "tools/cli/sse_reader.h"

#include <utility>

namespace fieldpost::cli {

bool SseReader::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (c != '\n') {
      line_ += c;
      continue;
    }
    if (line_.ends_with('\r')) line_.pop_back();
    if (!on_line(std::exchange(line_, {}))) return false;
  }
  return true;
}

bool SseReader::on_line(std::string_view line) {
  if (line.empty()) {
    const std::string data = std::exchange(data_, {});
    const std::string event = std::exchange(event_, {});
    return data.empty() || take_(event.empty() ? "message" : std::string_view(event), data);
  }
  const std::string_view name = line.substr(0, line.find(':'));
  std::string_view value = line.substr(std::min(line.size(), name.size() + 1));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") event_ = value;
  if (name == "data") data_ += (data_.empty() ? "" : "\n") + std::string(value);
  return true;
}

}  // namespace fieldpost::cli
