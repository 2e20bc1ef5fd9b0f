#pragma once

#include <cstdint>
#include <optional>

namespace fieldpost::bridge {

/// Follows the sequence numbers of a device's frames (README.md, "The frame"): what was lost, what
/// comes again, and where a device began anew without its boot frame being heard.
class SequenceCount {
 public:
  /// A step back no longer than this is a frame that comes again, or a false one.
  static constexpr unsigned kStepBackMax = 256;
  /// A jump longer than that to a number no larger than that is no loss, but a device that began
  /// anew after half of all numbers or more.
  static constexpr unsigned kFreshMax = kStepBackMax;
  /// So many that follow each other come from a device that began anew, however near it is.
  static constexpr unsigned kBehindRunMax = 3;

  enum class Place : std::uint8_t {
    kNext,    ///< perhaps behind lost ones
    kBehind,  ///< comes again: not to be taken
    kLate,    ///< comes again, or was overtaken: to be taken
    kAnew,    ///< the device restarted, unseen
  };
  struct Step {
    Place place = Place::kNext;
    std::uint16_t lost = 0;
  };

  [[nodiscard]] Step take(std::uint16_t sequence);
  /// The same for frames that are sound but may come in another order, or again: what would be
  /// kBehind is kLate and moves nothing, however many of them follow each other.
  [[nodiscard]] Step take_unordered(std::uint16_t sequence);
  /// Of a boot frame.
  void begin(std::uint16_t sequence) { go_on_behind(sequence); }
  /// Of a frame that was not understood: it was not lost, and it may as well be a false one.
  void pass_over(std::uint16_t sequence);
  /// Bytes may be missing here: a step back from the last frame is a device that began anew.
  void interrupt() { interrupted_ = true; }

 private:
  void go_on_behind(std::uint16_t sequence);
  [[nodiscard]] bool is_little_before(std::uint16_t sequence) const;

  std::optional<std::uint16_t> expected_;  ///< absent: no frame came yet
  std::uint16_t behind_next_ = 0;          ///< what would follow the last one that came again
  unsigned behind_run_ = 0;                ///< of those that follow each other
  bool interrupted_ = false;
};

}  // namespace fieldpost::bridge
