#include "coordinator/artifacts/transfer_bytes.h"

#include <limits>

namespace fieldpost::coordinator {
namespace {

void count(std::uint64_t& sum, std::uint64_t more) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();  // as SQLite has it
  sum = more > kMost - sum ? kMost : sum + more;
}

}  // namespace

void TransferBytes::add(const ArtifactTransfer& transfer) {
  count(artifacts, 1);
  count(by_delta, transfer.is_delta ? 1 : 0);
  count(present, transfer.bytes_moved == 0 && transfer.size > 0 ? 1 : 0);
  count(bytes, transfer.size);
  count(bytes_moved, transfer.bytes_moved);
  count(bytes_signatures, transfer.bytes_signature);
}

std::int64_t TransferBytes::saved() const {
  std::uint64_t cost = bytes_moved;
  count(cost, bytes_signatures);
  return static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(cost);
}

std::optional<double> TransferBytes::moved_part() const {
  if (bytes == 0) return std::nullopt;
  return static_cast<double>(bytes_moved) / static_cast<double>(bytes);
}

}  // namespace fieldpost::coordinator
