#include "proto/delta/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/wire/hash.h"

// Its header wants the standard types to be there.
#include <librsync.h>

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kWeakBytes = 4;

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char each : bytes) out = out << 8 | static_cast<std::uint8_t>(each);
  return out;
}

Error refuse(std::string_view why) {
  return {Errc::kInvalid, fmt::format("reading a signature: {}", why)};
}

}  // namespace

Status SignatureLoader::begin() {
  const std::string_view header = header_;
  if (big_endian(header.substr(0, 4)) != RS_RK_BLAKE2_SIG_MAGIC) {
    return refuse("it is not one of librsync with RabinKarp and BLAKE2 hashes");
  }
  const std::uint64_t block = big_endian(header.substr(4, 4));
  const std::uint64_t strong = big_endian(header.substr(8, 4));
  if (block < kBlockBytesMin || block > kBlockBytesMax) {
    return refuse(fmt::format("blocks of {} bytes, {} to {} are expected", block, kBlockBytesMin,
                              kBlockBytesMax));
  }
  if (strong < kStrongBytesMin || strong > kStrongBytesMax) {
    return refuse(fmt::format("hashes of {} bytes, {} to {} are expected", strong, kStrongBytesMin,
                              kStrongBytesMax));
  }
  options_ = {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(strong)};
  job_ = LibrsyncJob::load(handle_);
  return load(header, false);
}

Status SignatureLoader::load(std::string_view bytes, bool is_last) {
  std::string nothing;
  return job_->feed(bytes, is_last, nothing);
}

/// Keeps for is_forged what it needs of each block: the weak hash, and 32 bits of a hash of the
/// strong one, which nobody makes the same for many by choice.
void SignatureLoader::note_blocks(std::string_view bytes) {
  const std::size_t block_bytes = kWeakBytes + options_.strong_bytes;
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), block_bytes - part_.size());
    part_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (part_.size() < block_bytes) return;
    const std::string_view part = part_;
    const std::uint64_t strong = wire::hash128(part.substr(kWeakBytes)).lo & 0xffff'ffff;
    sums_.push_back(big_endian(part.substr(0, kWeakBytes)) << 32 | strong);
    part_.clear();
  }
}

Status SignatureLoader::add(std::string_view bytes) {
  if (!failed_) return failed_;
  if (header_.size() < kHeaderBytes) {
    const std::size_t taken = std::min(bytes.size(), kHeaderBytes - header_.size());
    header_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (header_.size() < kHeaderBytes) return ok();
    failed_ = begin();
    if (!failed_) return failed_;
  }
  if (bytes.empty()) return ok();
  bytes_ += bytes.size();
  const std::uint64_t blocks = bytes_ / (kWeakBytes + options_.strong_bytes);
  if (blocks > kBlocksMax || signature_memory(blocks, options_.strong_bytes) > memory_max_) {
    failed_ = Error{Errc::kFull, fmt::format("reading a signature: it has {} blocks or more, which "
                                             "need more than {} bytes of memory",
                                             blocks, memory_max_)};
    return failed_;
  }
  note_blocks(bytes);
  failed_ = load(bytes, false);
  return failed_;
}

bool SignatureLoader::is_forged() {
  std::sort(sums_.begin(), sums_.end());
  // Blocks that are alike are entered once.
  sums_.erase(std::unique(sums_.begin(), sums_.end()), sums_.end());
  for (std::size_t i = kSameWeakMax; i < sums_.size(); ++i) {
    if (sums_[i] >> 32 == sums_[i - kSameWeakMax] >> 32) return true;
  }
  return false;
}

Result<Signature> SignatureLoader::finish() {
  if (!failed_) return failed_.error();
  if (!job_) return refuse(fmt::format("it ends after {} bytes", header_.size()));
  if (!part_.empty()) return refuse("it ends inside a block");
  if (auto done = load({}, true); !done) return done.error();
  job_.reset();
  const std::uint64_t blocks = bytes_ / (kWeakBytes + options_.strong_bytes);
  if (is_forged()) {
    return refuse(fmt::format("more than {} different blocks share a weak hash", kSameWeakMax));
  }
  sums_ = {};
  if (blocks > 0) {
    const rs_result built = rs_build_hash_table(handle_.get());
    if (built != RS_DONE) return librsync_error(built, "indexing a signature");
  }
  return Signature(std::move(handle_), options_, blocks);
}

}  // namespace fieldpost::delta
