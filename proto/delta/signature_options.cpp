#include "proto/delta/signature_options.h"

#include <algorithm>
#include <bit>

namespace fieldpost::delta {
namespace {

constexpr std::uint64_t kHeaderBytes = 12;
constexpr std::uint64_t kWeakBytes = 4;
/// Of size * blocks comparisons one in 2^32 passes the weak hash by accident, and of those one in
/// 2^64 passes 8 strong bytes: for 1 GiB in 2^20 blocks one delta in 2^46 is wrong, which the
/// target's SHA-256 then tells. Larger files get more bytes.
constexpr std::uint64_t kLargeBytes = std::uint64_t{1} << 30;
constexpr std::uint32_t kStrongBytesLarge = 10;

}  // namespace

SignatureOptions choose_signature(std::uint64_t size, SignatureUse use) {
  const bool travels = use == SignatureUse::kTravels;
  const std::uint64_t blocks_most = travels ? kBlocksTravel : kBlocksMax;
  SignatureOptions out;
  out.block_bytes = travels ? kBlockBytesTravels : kBlockBytesMin;
  out.strong_bytes = size > kLargeBytes ? kStrongBytesLarge : kStrongBytesMin;
  while (out.block_bytes < kBlockBytesMax && signature_blocks(size, out) > blocks_most) {
    out.block_bytes *= 2;
  }
  return out;
}

std::uint64_t signature_blocks(std::uint64_t size, const SignatureOptions& options) {
  return size / options.block_bytes + (size % options.block_bytes == 0 ? 0 : 1);
}

std::uint64_t signature_bytes(std::uint64_t size, const SignatureOptions& options) {
  return kHeaderBytes + signature_blocks(size, options) * (kWeakBytes + options.strong_bytes);
}

std::uint64_t signature_memory(std::uint64_t blocks, std::uint32_t strong_bytes) {
  constexpr std::uint64_t kListLeast = 16;
  constexpr std::uint64_t kEntryBytes = sizeof(std::uint32_t) + sizeof(void*);
  const std::uint64_t block_bytes = kWeakBytes + (strong_bytes + 3) / 4 * 4;
  const std::uint64_t list = std::bit_ceil(std::max(blocks, kListLeast));
  const std::uint64_t table = std::bit_ceil(1 + blocks * 10 / 8);
  return list * block_bytes + table * kEntryBytes + table / 8;
}

}  // namespace fieldpost::delta
