#pragma once

#include <cstdint>

namespace fieldpost::delta {

/// Where the signature of a base is used.
enum class SignatureUse : std::uint8_t {
  kStays,    ///< where it is made: it costs memory and no traffic
  kTravels,  ///< on the other side: its bytes count, too
};

/// How a base is cut into blocks, and how much of each block's hash is kept.
struct SignatureOptions {
  std::uint32_t block_bytes = 0;
  std::uint32_t strong_bytes = 0;
  bool operator==(const SignatureOptions&) const = default;
};

inline constexpr std::uint32_t kBlockBytesMin = 512;
inline constexpr std::uint32_t kBlockBytesTravels = 2048;
inline constexpr std::uint32_t kBlockBytesMax = 64 * 1024;
inline constexpr std::uint32_t kStrongBytesMin = 8;
inline constexpr std::uint32_t kStrongBytesMax = 32;
/// Of one signature, wherever it comes from. What so many cost: signature_memory.
inline constexpr std::uint64_t kBlocksMax = 1 << 20;
inline constexpr std::uint64_t kBlocksTravel = 1 << 17;  ///< that choose_signature sends
/// Of what librsync keeps of one signature; more is refused.
inline constexpr std::uint64_t kSignatureMemoryMax = 48 << 20;

/// For a base of that size. A change costs its own bytes and, on average, one block more: for edits
/// of 1 KiB all over a file of 256 MiB librsync's own choice of 16 KiB blocks costs 17 times the
/// edits, 512 bytes cost 1.5 times. A signature costs 12 bytes a block where it travels, so there
/// the blocks are four times as large and fewer.
[[nodiscard]] SignatureOptions choose_signature(std::uint64_t size, SignatureUse use);

[[nodiscard]] std::uint64_t signature_blocks(std::uint64_t size, const SignatureOptions& options);
/// Of the signature of a base of that size, as a file.
[[nodiscard]] std::uint64_t signature_bytes(std::uint64_t size, const SignatureOptions& options);
/// What librsync needs for so many blocks: a list that grows by doubling, with 4 bytes and the
/// strong hash for each, and a hash table that is at most eight tenths full, with 12 1/8 bytes a
/// place. 512 Ki blocks: 18 MiB; 1 Mi blocks: 36 MiB.
[[nodiscard]] std::uint64_t signature_memory(std::uint64_t blocks, std::uint32_t strong_bytes);

}  // namespace fieldpost::delta
