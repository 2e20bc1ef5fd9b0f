#include "proto/delta/librsync_job.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

// Its header wants the standard types to be there.
#include <librsync.h>

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr std::size_t kOutBytes = 64 * 1024;

}  // namespace

void FreeLibrsync::operator()(rs_job* job) const {
  rs_job_free(job);
}

void FreeLibrsync::operator()(rs_signature* signature) const {
  rs_free_sumset(signature);
}

Error librsync_error(int result, std::string_view doing) {
  const auto code = static_cast<rs_result>(result);
  const bool is_input = code == RS_INPUT_ENDED || code == RS_BAD_MAGIC || code == RS_CORRUPT ||
                        code == RS_PARAM_ERROR;
  return {code == RS_MEM_ERROR ? Errc::kFull : (is_input ? Errc::kInvalid : Errc::kIo),
          fmt::format("{}: librsync says {}", doing, rs_strerror(code))};
}

LibrsyncJob::LibrsyncJob(rs_job* job, std::string_view doing) : job_(job), doing_(doing) {
  FP_CHECK(job_ != nullptr);
}

LibrsyncJob LibrsyncJob::signature(std::size_t block_bytes, std::size_t strong_bytes) {
  return {rs_sig_begin(block_bytes, strong_bytes, RS_RK_BLAKE2_SIG_MAGIC), "making a signature"};
}

LibrsyncJob LibrsyncJob::delta(rs_signature& signature) {
  return {rs_delta_begin(&signature), "making a delta"};
}

LibrsyncJob LibrsyncJob::load(std::unique_ptr<rs_signature, FreeLibrsync>& signature) {
  rs_signature* made = nullptr;
  LibrsyncJob out(rs_loadsig_begin(&made), "reading a signature");
  signature.reset(made);
  return out;
}

Status LibrsyncJob::feed(std::string_view in, bool is_last, std::string& out) {
  rs_buffers_t buffers{};
  buffers.next_in = const_cast<char*>(in.data());  // it only reads there
  buffers.avail_in = in.size();
  buffers.eof_in = is_last ? 1 : 0;
  for (;;) {
    const std::size_t had = out.size();
    const std::size_t in_before = buffers.avail_in;
    out.resize(had + kOutBytes);
    buffers.next_out = out.data() + had;
    buffers.avail_out = kOutBytes;
    const rs_result result = rs_job_iter(job_.get(), &buffers);
    out.resize(out.size() - buffers.avail_out);
    if (result == RS_DONE && buffers.avail_in == 0 && is_last) return ok();
    if (result == RS_DONE) return librsync_error(RS_CORRUPT, doing_);
    if (result != RS_BLOCKED) return librsync_error(result, doing_);
    if (buffers.avail_out > 0 && buffers.avail_in == 0 && !is_last) return ok();
    // Blocked with room for output and nothing that follows: it would be so for ever.
    const bool is_stuck = buffers.avail_out == kOutBytes && buffers.avail_in == in_before;
    if (is_stuck) return librsync_error(RS_INPUT_ENDED, doing_);
  }
}

}  // namespace fieldpost::delta
