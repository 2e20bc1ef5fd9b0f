#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

struct rs_job;
struct rs_signature;

namespace fieldpost::delta {

struct FreeLibrsync {
  void operator()(rs_job* job) const;
  void operator()(rs_signature* signature) const;
};

/// A stream through librsync. One thread at a time.
class LibrsyncJob {
 public:
  static LibrsyncJob signature(std::size_t block_bytes, std::size_t strong_bytes);
  /// `signature` outlives it, and has its hash table unless it is empty.
  static LibrsyncJob delta(rs_signature& signature);
  /// `signature` becomes what is read; it belongs to the caller, and outlives the job.
  static LibrsyncJob load(std::unique_ptr<rs_signature, FreeLibrsync>& signature);

  /// Takes all of `in`, and appends to `out` what comes of it. `is_last`: nothing follows.
  rt::Status feed(std::string_view in, bool is_last, std::string& out);

 private:
  LibrsyncJob(rs_job* job, std::string_view doing);

  std::unique_ptr<rs_job, FreeLibrsync> job_;
  std::string_view doing_;
};

/// librsync's code as an Error; the only reader of such codes.
rt::Error librsync_error(int result, std::string_view doing);

}  // namespace fieldpost::delta
