#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/delta/librsync_job.h"
#include "proto/delta/signature_options.h"
#include "proto/rt/result.h"

namespace fieldpost::delta {

/// The hashes of a base's blocks, ready to be looked up: signature_memory says what it costs. Made
/// by SignatureLoader. One thread at a time.
class Signature {
 public:
  Signature(std::unique_ptr<rs_signature, FreeLibrsync> handle, SignatureOptions options,
            std::uint64_t blocks)
      : handle_(std::move(handle)), options_(options), blocks_(blocks) {}
  [[nodiscard]] rs_signature& handle() const { return *handle_; }
  [[nodiscard]] SignatureOptions options() const { return options_; }
  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }

 private:
  std::unique_ptr<rs_signature, FreeLibrsync> handle_;
  SignatureOptions options_;
  std::uint64_t blocks_;
};

/// Reads the bytes of a signature, whoever made them. What they claim is looked at before librsync
/// sees it, so that no more is allocated than kSignatureMemoryMax.
class SignatureLoader {
 public:
  /// Weak hashes are easily forged, and a lookup goes through all blocks that share one: so many
  /// different blocks may.
  static constexpr std::size_t kSameWeakMax = 64;

  /// `memory_max`: of what signature_memory says, beside 16 bytes a block while it loads.
  explicit SignatureLoader(std::uint64_t memory_max = kSignatureMemoryMax)
      : memory_max_(memory_max) {}

  /// In order, in pieces of any size. kInvalid: this is no signature that is taken; kFull: it would
  /// need too much memory. After a failure each further call fails like the first.
  rt::Status add(std::string_view bytes);
  /// All was added. Builds the hash table at once: about 0.1 s for kBlocksMax. kInvalid: it is cut
  /// short, or forged so that lookups take for ever. Once.
  rt::Result<Signature> finish();

 private:
  rt::Status begin();
  rt::Status load(std::string_view bytes, bool is_last);
  void note_blocks(std::string_view bytes);
  [[nodiscard]] bool is_forged();

  std::uint64_t memory_max_;
  std::string header_;
  std::unique_ptr<rs_signature, FreeLibrsync> handle_;
  std::optional<LibrsyncJob> job_;  ///< goes before what it fills
  SignatureOptions options_;
  std::uint64_t bytes_ = 0;          ///< behind the header
  std::string part_;                 ///< of the block that is not whole
  std::vector<std::uint64_t> sums_;  ///< of each block, for is_forged
  rt::Status failed_ = rt::ok();
};

}  // namespace fieldpost::delta
