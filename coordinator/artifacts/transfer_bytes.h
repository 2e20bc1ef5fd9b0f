#pragma once

#include <cstdint>
#include <optional>

namespace fieldpost::coordinator {

/// One artifact that went from one end to the other, or was there already.
struct ArtifactTransfer {
  std::uint64_t size = 0;             ///< of the artifact
  std::uint64_t bytes_moved = 0;      ///< of it or its delta, from the sender
  std::uint64_t bytes_signature = 0;  ///< the other way
  bool is_delta = false;
};

/// What deltas saved, over any number of transfers. Sums stop at their highest value.
struct TransferBytes {
  std::uint64_t artifacts = 0;
  std::uint64_t by_delta = 0;  ///< of them
  std::uint64_t present = 0;   ///< of them, for which nothing moved
  std::uint64_t bytes = 0;     ///< of the artifacts
  std::uint64_t bytes_moved = 0;
  std::uint64_t bytes_signatures = 0;

  void add(const ArtifactTransfer& transfer);
  /// Bytes of the artifacts that did not move; below 0 where deltas and signatures cost more.
  [[nodiscard]] std::int64_t saved() const;
  /// The part of the bytes that moved; nullopt before anything did.
  [[nodiscard]] std::optional<double> moved_part() const;
  bool operator==(const TransferBytes&) const = default;
};

}  // namespace fieldpost::coordinator
