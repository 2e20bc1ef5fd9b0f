#include "proto/delta/signature_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::Result;

SignatureWriter::SignatureWriter(rt::Files& files, std::string path, const Content& base,
                                 const SignatureOptions& options, ByteSink sink)
    : files_(files),
      path_(std::move(path)),
      base_(base),
      sink_(std::move(sink)),
      job_(LibrsyncJob::signature(options.block_bytes, options.strong_bytes)) {}

Result<bool> SignatureWriter::step() {
  // One byte more than there should be tells of a file that is longer.
  const std::uint64_t left = base_.size - read_;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(kStepBytes, left + 1));
  const auto bytes = files_.read_no_follow(path_, read_, most);
  if (!bytes) return bytes.error();
  const bool is_last = bytes->size() < most;
  hash_.add(*bytes);
  read_ += bytes->size();
  if (read_ > base_.size || (is_last && (read_ != base_.size || hash_.digest() != base_.sha256))) {
    return Error{Errc::kCorrupt,
                 fmt::format("making the signature of {}: the file is not the one of SHA-256 {}",
                             path_, base_.sha256.hex())};
  }
  std::string made;
  if (auto done = job_.feed(*bytes, is_last, made); !done) return done.error();
  if (auto done = sink_(made); !done) return done.error();
  return !is_last;
}

}  // namespace fieldpost::delta
