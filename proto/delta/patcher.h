#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/delta/content.h"
#include "proto/delta/delta_commands.h"
#include "proto/delta/delta_writer.h"
#include "proto/delta/zstd_stream.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/output_file.h"

namespace fieldpost::delta {

/// Makes the target of a base and a delta, whoever made the delta: it reads nothing outside the
/// base, writes no more than the target's size, and gives the target its name only when its SHA-256
/// is right. In steps, on a worker. About 4 MiB of memory.
class Patcher {
 public:
  static constexpr std::size_t kStepBytes = 128 * 1024;

  /// `files` outlives it. `expected`: what the delta has to say of itself.
  Patcher(rt::Files& files, DeltaPaths paths, const Change& expected);

  /// Goes on by kStepBytes; false when the target has its name. kInvalid: the delta is damaged, or
  /// another one; kCorrupt: the base is damaged, or what came of both is not the target. After a
  /// failure it is over, and nothing is left of the target.
  rt::Result<bool> step();

 private:
  rt::Result<bool> go_on();
  rt::Status begin();
  rt::Status next_command();
  rt::Status take(const DeltaCommand& command);
  rt::Status copy_on();
  rt::Status append(std::string_view bytes);
  rt::Status read_delta();
  rt::Status finish();

  rt::Files& files_;
  DeltaPaths paths_;
  Change expected_;
  bool is_begun_ = false;
  std::uint64_t read_ = 0;   ///< of the delta
  std::string bytes_;        ///< of the delta, read last
  std::size_t taken_ = 0;    ///< of them
  bool holds_more_ = false;  ///< the frame had more than there was room for
  ZstdStreamReader zstd_;
  CommandReader commands_;
  std::uint64_t offset_ = 0, size_ = 0;  ///< left of the copy under way
  bool is_ended_ = false;                ///< the commands were all there
  std::size_t work_ = 0;                 ///< bytes of this step
  wire::OutputFile out_;
};

}  // namespace fieldpost::delta
