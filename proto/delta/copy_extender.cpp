#include "proto/delta/copy_extender.h"

#include <algorithm>
#include <iterator>

namespace fieldpost::delta {

using rt::ok;
using rt::Result;
using rt::Status;

Status CopyExtender::take(const DeltaCommand& command) {
  switch (command.kind) {
    case DeltaCommand::Kind::kLiteral: return literal(command.literal);
    case DeltaCommand::Kind::kCopy: return copy(command.offset, command.size);
    case DeltaCommand::Kind::kEnd: break;
  }
  flush();
  writer_.end();
  return ok();
}

/// How many of the bytes the base has behind the copy; the copy has them then.
Result<std::size_t> CopyExtender::grow(std::string_view bytes) {
  const std::uint64_t end = offset_ + size_;
  const std::uint64_t room = base_size_ - std::min(end, base_size_);
  const auto most =
      static_cast<std::size_t>(std::min<std::uint64_t>({room, bytes.size(), block_bytes_}));
  if (most == 0) {
    grows_ = false;
    return std::size_t{0};
  }
  const auto base = read_(end, most);
  if (!base) return base.error();
  const auto differs = std::mismatch(base->begin(), base->end(), bytes.begin(), bytes.end());
  const auto equal = static_cast<std::size_t>(std::distance(base->begin(), differs.first));
  size_ += equal;
  grows_ = equal == most;
  return equal;
}

Status CopyExtender::literal(std::string_view bytes) {
  while (grows_ && !bytes.empty()) {
    const auto equal = grow(bytes);
    if (!equal) return equal.error();
    bytes.remove_prefix(*equal);
  }
  literal_ += bytes;
  if (literal_.size() < kHeldBytes + block_bytes_) return ok();
  // The end stays: the copy that comes next may have some of it.
  const std::size_t kept = std::min(block_bytes_, literal_.size());
  const std::string tail = literal_.substr(literal_.size() - kept);
  literal_.resize(literal_.size() - kept);
  flush();
  literal_ = tail;
  return ok();
}

Status CopyExtender::copy(std::uint64_t offset, std::uint64_t size) {
  const auto most =
      static_cast<std::size_t>(std::min<std::uint64_t>({offset, literal_.size(), block_bytes_}));
  if (read_ != nullptr && most > 0) {
    const auto base = read_(offset - most, most);
    if (!base) return base.error();
    const auto differs =
        std::mismatch(base->rbegin(), base->rend(), literal_.rbegin(), literal_.rend());
    const auto equal = static_cast<std::size_t>(std::distance(base->rbegin(), differs.first));
    literal_.resize(literal_.size() - equal);
    offset -= equal;
    size += equal;
  }
  if (literal_.empty() && size_ > 0 && offset_ + size_ == offset) {
    size_ += size;
  } else {
    flush();
    offset_ = offset;
    size_ = size;
  }
  grows_ = read_ != nullptr;
  return ok();
}

void CopyExtender::flush() {
  writer_.copy(offset_, size_);
  size_ = 0;
  writer_.literal(literal_);
  literal_.clear();
  grows_ = false;
}

}  // namespace fieldpost::delta
