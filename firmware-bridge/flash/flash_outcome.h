#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// The steps of a flash, in their order; `kRevert` stands for those that take a write back.
enum class FlashStep : std::uint8_t {
  kCheck,     ///< image and part
  kSuspend,   ///< the port is ours
  kIdentify,  ///< the part there is the one expected
  kRead,      ///< the old image, into the journal
  kWrite,
  kVerify,
  kConfirm,  ///< the board runs, sends readings and says the expected version
  kCommit,
  kRevert,
};
[[nodiscard]] std::string_view to_string(FlashStep step);
/// nullopt: none is called so.
[[nodiscard]] std::optional<FlashStep> flash_step_of(std::string_view name);

/// What a board holds after a flash.
enum class FlashState : std::uint8_t {
  kDone,       ///< the new image, and it runs
  kUnchanged,  ///< the old one, nothing was written
  kReverted,   ///< the old one, written back and verified
  kBroken,     ///< neither, as far as is known; the old one is written again until that works
};
[[nodiscard]] std::string_view to_string(FlashState state);

struct FlashProgress {
  FlashStep step = FlashStep::kCheck;
  unsigned percent = 0;
};

struct FlashOutcome {
  std::string id;
  std::string device;
  FlashState state = FlashState::kUnchanged;
  FlashStep step = FlashStep::kCommit;  ///< that failed; of what is done kCommit
  std::string error;                    ///< empty: none
  bool interrupted = false;             ///< the bridge was stopped in the middle of it
  std::string old_sha256, new_sha256;   ///< hex; empty: it did not come so far
  std::string version;                  ///< that was expected

  bool operator==(const FlashOutcome&) const = default;
};

/// {"outcome":…,"step":…,…} in one line, without its end.
[[nodiscard]] std::string encode(const FlashOutcome& outcome);
/// nullopt: it is none.
[[nodiscard]] std::optional<FlashOutcome> decode_flash_outcome(std::string_view json);
/// {"step":…,"percent":…}
[[nodiscard]] std::string encode(const FlashProgress& progress);
[[nodiscard]] std::optional<FlashProgress> decode_flash_progress(std::string_view json);

/// What is asked for.
struct FlashRequest {
  static constexpr rt::Nanos kTimeoutPreset = rt::Seconds{60};
  static constexpr rt::Nanos kTransfersMost = rt::Seconds{1800};  ///< of reading, writing, back

  std::string id;                      ///< of the asker's choice; the same id never flashes twice
  std::string device;                  ///< by name
  std::string image;                   ///< Intel HEX; empty: the one that is kept as `sha256`
  std::string sha256;                  ///< hex
  std::string version;                 ///< that the board must say afterwards
  rt::Nanos timeout = kTimeoutPreset;  ///< for saying it
  std::string asked_by;                ///< for the log and the journal; may be empty

  /// Until whoever asked need not wait any more: the new firmware has its time, then the old one.
  [[nodiscard]] rt::Nanos longest() const { return 2 * timeout + kTransfersMost; }
};

}  // namespace fieldpost::bridge
