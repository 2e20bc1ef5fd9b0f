#include "tools/cli/line_input.h"

#include <sys/stat.h>

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

std::optional<double> LineInput::part_read() const {
  struct stat found {};
  if (::fstat(::fileno(file_), &found) != 0 || !S_ISREG(found.st_mode) || found.st_size == 0) {
    return std::nullopt;
  }
  return static_cast<double>(::ftello(file_)) / static_cast<double>(found.st_size);
}

}  // namespace fieldpost::cli
