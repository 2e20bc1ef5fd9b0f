#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/delta/delta_commands.h"
#include "proto/rt/result.h"

namespace fieldpost::delta {

/// Makes copies as long as they can be. librsync finds whole blocks, so an edit of 1 KiB costs the
/// blocks that it touches; where the base is at hand, what is equal at their edges is copied, too.
/// Copies that follow each other become one. Holds at most kHeldBytes and a block.
class CopyExtender {
 public:
  /// Bytes of the base; all of them are there.
  using ReadBase = std::function<rt::Result<std::string>(std::uint64_t, std::size_t)>;
  static constexpr std::size_t kHeldBytes = 64 * 1024;

  /// What comes of it is appended to `out`, which outlives it. `read`: null where there is no base.
  CopyExtender(ReadBase read, std::uint64_t base_size, std::size_t block_bytes, std::string& out)
      : read_(std::move(read)), base_size_(base_size), block_bytes_(block_bytes), writer_(out) {}

  /// In the order of the target. Fails as the base does.
  rt::Status take(const DeltaCommand& command);

 private:
  rt::Status literal(std::string_view bytes);
  rt::Result<std::size_t> grow(std::string_view bytes);
  rt::Status copy(std::uint64_t offset, std::uint64_t size);
  void flush();

  ReadBase read_;
  std::uint64_t base_size_;
  std::size_t block_bytes_;
  CommandWriter writer_;
  std::uint64_t offset_ = 0, size_ = 0;  ///< of the copy that is held
  bool grows_ = false;                   ///< it may go on with what comes next
  std::string literal_;                  ///< behind it
};

}  // namespace fieldpost::delta
