#include "proto/wire/output_file.h"

namespace fieldpost::wire {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
/// Synced as it grows, so that no sync takes long.
constexpr std::uint64_t kSyncBytes = 32 << 20;
constexpr unsigned kMode = 0640;

}  // namespace

rt::Status OutputFile::append(std::string_view bytes) {
  if (!failed_) return failed_;
  hash_.add(bytes);
  buffer_ += bytes;
  return buffer_.size() < kBufferBytes ? rt::ok() : flush();
}

rt::Status OutputFile::flush() {
  const std::string part = path_ + ".part";
  // What a process before left of it may be longer than this one.
  if (written_ == 0) failed_ = files_->remove(part);
  if (failed_) failed_ = files_->write_at(part, written_, buffer_, kMode);
  written_ += buffer_.size();
  buffer_.clear();
  if (failed_ && written_ - synced_ >= kSyncBytes) {
    failed_ = files_->sync(part);
    synced_ = written_;
  }
  return failed_;
}

rt::Result<WrittenFile> OutputFile::finish() {
  if (!failed_) return failed_.error();
  const std::string part = path_ + ".part";
  if (auto done = flush(); !done) return done.error();
  if (auto done = files_->sync(part); !done) return done.error();
  if (auto done = files_->rename(part, path_); !done) return done.error();
  return written();
}

rt::Status OutputFile::discard() {
  return files_->remove(path_ + ".part");
}

}  // namespace fieldpost::wire
