#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/delta/delta_encoder.h"
#include "proto/delta/delta_header.h"
#include "proto/delta/patcher.h"
#include "proto/delta/signature_writer.h"
#include "proto/delta/zstd_stream.h"
#include "tests/support/fakes/fake_files.h"

/// Deltas in memory, from bytes to bytes.
namespace fieldpost::test {

[[nodiscard]] inline delta::Content content_of(std::string_view bytes) {
  return {bytes.size(), wire::sha256(bytes)};
}

/// The file of a delta with any commands.
[[nodiscard]] inline std::string delta_file(const delta::DeltaHeader& header,
                                            std::string_view commands) {
  std::string out = encode(header);
  delta::ZstdStreamWriter zstd;
  zstd.add(commands, true, out);
  return out;
}

/// A base, a target and what is made of them, as files.
struct DeltaWorld {
  static constexpr int kStepsMax = 100'000;
  static constexpr std::uint64_t kAny = std::uint64_t{1} << 40;

  DeltaWorld(const std::string& base, const std::string& target)
      : change{content_of(base), content_of(target)} {
    files.put("/base", base);
    files.put("/target", target);
  }

  [[nodiscard]] std::string file(const std::string& path) const {
    const auto at = files.files().find(path);
    return at == files.files().end() ? "none" : at->second.bytes;
  }
  [[nodiscard]] bool has(const std::string& path) const { return files.files().contains(path); }

  template <typename Job>
  static rt::Status run(Job& job) {
    for (int i = 0; i < kStepsMax; ++i) {
      const auto more = job.step();
      if (!more) return more.error();
      if (!*more) return rt::ok();
    }
    return rt::Error{rt::Errc::kBusy, "it does not come to an end"};
  }

  /// Of the base; `bytes` are appended to.
  rt::Status sign(const delta::SignatureOptions& options, std::string& bytes) {
    delta::SignatureWriter writer(files, "/base", change.base, options,
                                  [&](std::string_view piece) {
                                    bytes += piece;
                                    return rt::ok();
                                  });
    return run(writer);
  }
  /// To /delta.
  rt::Status encode_delta(std::uint64_t bytes_max = kAny) {
    delta::DeltaEncoder encoder(files, paths, change, bytes_max);
    return run(encoder);
  }
  /// The same where only the base's signature is.
  rt::Status encode_afar(const delta::Signature& signature) {
    delta::DeltaWriter writer(files, signature, {"", "/target", "/delta"}, change, kAny);
    return run(writer);
  }
  /// To /made.
  rt::Status patch() {
    delta::Patcher patcher(files, {"/base", "/made", "/delta"}, change);
    return run(patcher);
  }

  sim::FakeFiles files;
  delta::Change change;
  delta::DeltaPaths paths{"/base", "/target", "/delta"};
};

/// Of the bytes of a signature.
[[nodiscard]] inline rt::Result<delta::Signature> load_signature(std::string_view bytes,
                                                                 std::size_t piece) {
  delta::SignatureLoader loader;
  while (!bytes.empty()) {
    if (auto done = loader.add(bytes.substr(0, piece)); !done) return done.error();
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return loader.finish();
}

}  // namespace fieldpost::test
