#include "firmware-bridge/protocols/line_splitter.h"

namespace fieldpost::bridge {

void LineSplitter::feed(std::string_view bytes, const OnLine& on_line) {
  for (;;) {
    const std::size_t feed = bytes.find('\n');
    add(bytes.substr(0, feed));
    if (feed == std::string_view::npos) return;
    end(on_line);
    bytes.remove_prefix(feed + 1);
  }
}

void LineSplitter::finish(const OnLine& on_line) {
  if (overlong_ || !partial_.empty()) end(on_line);
}

void LineSplitter::forget() {
  partial_.clear();
  overlong_ = false;
}

void LineSplitter::add(std::string_view piece) {
  if (overlong_) return;
  overlong_ = partial_.size() + piece.size() > kLineBytesMax;
  if (overlong_) {
    partial_.clear();
    too_long_ += 1;
  } else {
    partial_ += piece;
  }
}

void LineSplitter::end(const OnLine& on_line) {
  std::string_view line = partial_;
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (!overlong_) on_line(line);
  forget();
}

}  // namespace fieldpost::bridge
