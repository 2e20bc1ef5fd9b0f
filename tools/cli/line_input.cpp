#include "tools/cli/line_input.h"

#include <cstdlib>

namespace fieldpost::cli {

LineInput::~LineInput() {
  std::free(buffer_);
}

std::optional<std::string> LineInput::next() {
  const ssize_t size = ::getline(&buffer_, &size_, file_);
  if (size < 0) return std::nullopt;
  ++lines_read_;
  std::string line(buffer_, static_cast<std::size_t>(size));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace fieldpost::cli
