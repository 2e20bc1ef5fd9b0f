#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/delta/content.h"
#include "proto/delta/librsync_job.h"
#include "proto/delta/signature_options.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::delta {

/// Takes bytes in order: a file, or a SignatureLoader.
using ByteSink = std::function<rt::Status(std::string_view)>;

/// Makes the signature of a file, step by step. On a worker.
class SignatureWriter {
 public:
  static constexpr std::size_t kStepBytes = 128 * 1024;

  /// `files`, and what `sink` refers to, outlive it.
  SignatureWriter(rt::Files& files, std::string path, const Content& base,
                  const SignatureOptions& options, ByteSink sink);

  /// Goes on by kStepBytes of the file; false when the signature is whole. kCorrupt: the file is
  /// not what it should be; what the sink got is to be dropped. After a failure it is over.
  rt::Result<bool> step();

 private:
  rt::Files& files_;
  std::string path_;
  Content base_;
  ByteSink sink_;
  LibrsyncJob job_;
  wire::Sha256 hash_;
  std::uint64_t read_ = 0;
};

}  // namespace fieldpost::delta
