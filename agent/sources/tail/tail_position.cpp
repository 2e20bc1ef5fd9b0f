#include "agent/sources/tail/tail_position.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace fieldpost::agent {
namespace {

constexpr std::string_view kHead = "fieldpost tail 1\n";

}  // namespace

std::string TailPosition::text() const {
  return fmt::format("{}{} {} {} {}\n", kHead, inode, generation, offset, pending);
}

rt::Result<TailPosition> TailPosition::parse(std::string_view text) {
  TailPosition position;
  const bool known = text.starts_with(kHead);
  const char* at = text.data() + (known ? kHead.size() : text.size());
  const char* end = text.data() + text.size();
  for (std::uint64_t* number :
       {&position.inode, &position.generation, &position.offset, &position.pending}) {
    const auto read = std::from_chars(at, end, *number);
    if (read.ec != std::errc{} || read.ptr == end) {
      return rt::Error{rt::Errc::kCorrupt, "reading the position of a tail: the file is damaged"};
    }
    at = read.ptr + 1;
  }
  return position;
}

}  // namespace fieldpost::agent
