#include "firmware-bridge/control/control_line.h"

namespace fieldpost::bridge {

void LineBuffer::add(std::string_view bytes) {
  text_.erase(0, taken_);
  taken_ = 0;
  text_ += bytes;
}

bool LineBuffer::next(std::string& line) {
  const std::size_t end = text_.find('\n', taken_);
  if (end == std::string::npos) return false;
  line = text_.substr(taken_, end - taken_);
  if (line.ends_with('\r')) line.pop_back();
  taken_ = end + 1;
  return true;
}

}  // namespace fieldpost::bridge
