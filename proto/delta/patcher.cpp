#include "proto/delta/patcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/delta/delta_header.h"

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kReadBytes = 16 * 1024;  ///< of the delta, at a time
constexpr std::size_t kUnpackBytes = 64 * 1024;
constexpr std::size_t kCopyBytes = 64 * 1024;
/// What a command costs beside its bytes: tiny copies, each of which opens the base, must not make
/// a step long.
constexpr std::size_t kCommandWork = 256;

Error refuse(const DeltaPaths& paths, std::string_view why) {
  return {Errc::kInvalid, fmt::format("applying the delta {}: {}", paths.delta, why)};
}

}  // namespace

Patcher::Patcher(rt::Files& files, DeltaPaths paths, const Change& expected)
    : files_(files), paths_(std::move(paths)), expected_(expected), out_(files, paths_.target) {}

Result<bool> Patcher::step() {
  auto more = go_on();
  // What failed is told; a temporary file that cannot be removed now is overwritten by the next.
  if (!more) (void)out_.discard();
  return more;
}

Result<bool> Patcher::go_on() {
  if (!is_begun_) {
    if (auto done = begin(); !done) return done.error();
  }
  for (work_ = 0; work_ < kStepBytes;) {
    if (size_ > 0) {
      if (auto done = copy_on(); !done) return done.error();
      continue;
    }
    if (is_ended_ && zstd_.is_whole() && taken_ == bytes_.size()) {
      const auto info = files_.info_no_follow(paths_.delta);
      if (!info) return info.error();
      if (info->size != read_) return refuse(paths_, "bytes follow its zstd frame");
      if (auto done = finish(); !done) return done.error();
      return false;
    }
    if (auto done = next_command(); !done) return done.error();
  }
  return true;
}

Status Patcher::begin() {
  const auto bytes = files_.read_no_follow(paths_.delta, 0, kDeltaHeaderBytes);
  if (!bytes) return bytes.error();
  const auto header = decode_delta_header(*bytes);
  if (!header) return header.error();
  if (header->change != expected_) return refuse(paths_, "it is between other files");
  const auto base = files_.info_no_follow(paths_.base);
  if (!base) return base.error();
  if (base->size != expected_.base.size) {
    return Error{Errc::kCorrupt, fmt::format("applying a delta: the base {} has {} bytes, not {}",
                                             paths_.base, base->size, expected_.base.size)};
  }
  read_ = kDeltaHeaderBytes;
  is_begun_ = true;
  return ok();
}

Status Patcher::next_command() {
  if (is_ended_) return read_delta();
  const auto command = commands_.next();
  if (!command) return command.error();
  return *command ? take(**command) : read_delta();
}

Status Patcher::take(const DeltaCommand& command) {
  work_ += kCommandWork;
  switch (command.kind) {
    case DeltaCommand::Kind::kLiteral: return append(command.literal);
    case DeltaCommand::Kind::kEnd: is_ended_ = true; break;
    case DeltaCommand::Kind::kCopy:
      if (command.offset > expected_.base.size ||
          command.size > expected_.base.size - command.offset) {
        return refuse(paths_, fmt::format("a copy of {} bytes from {} lies outside of the base",
                                          command.size, command.offset));
      }
      offset_ = command.offset;
      size_ = command.size;
      break;
  }
  if (is_ended_ && commands_.waiting() > 0) return refuse(paths_, "bytes follow its end");
  return ok();
}

Status Patcher::copy_on() {
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(size_, kCopyBytes));
  const auto bytes = files_.read_no_follow(paths_.base, offset_, most);
  if (!bytes) return bytes.error();
  if (bytes->size() != most) {
    return Error{Errc::kCorrupt, fmt::format("applying a delta: the base {} ends before byte {}",
                                             paths_.base, offset_ + most)};
  }
  offset_ += most;
  size_ -= most;
  return append(*bytes);
}

Status Patcher::append(std::string_view bytes) {
  work_ += bytes.size();
  if (bytes.size() > expected_.target.size - out_.size()) {
    return refuse(
        paths_, fmt::format("it makes more than the {} bytes that it says", expected_.target.size));
  }
  return out_.append(bytes);
}

/// More of the delta, unpacked; after its end nothing may come.
Status Patcher::read_delta() {
  if (taken_ == bytes_.size() && !holds_more_) {
    auto bytes = files_.read_no_follow(paths_.delta, read_, kReadBytes);
    if (!bytes) return bytes.error();
    if (bytes->empty()) return refuse(paths_, "it is cut short");
    read_ += bytes->size();
    bytes_ = std::move(*bytes);
    taken_ = 0;
  }
  std::string_view packed = std::string_view(bytes_).substr(taken_);
  std::string raw;
  if (auto done = zstd_.read(packed, kUnpackBytes, raw); !done) return done;
  taken_ = bytes_.size() - packed.size();
  holds_more_ = raw.size() == kUnpackBytes;
  work_ += raw.size() + kCommandWork;
  commands_.add(raw);
  if (is_ended_ && !raw.empty()) return refuse(paths_, "bytes follow its end");
  return ok();
}

Status Patcher::finish() {
  const wire::WrittenFile made = out_.written();
  if (Content{made.size, made.sha256} != expected_.target) {
    return Error{
        Errc::kCorrupt,
        fmt::format("applying the delta {}: what it made of {} has {} bytes and SHA-256 {},"
                    " not {} and {}",
                    paths_.delta, paths_.base, made.size, made.sha256.hex(), expected_.target.size,
                    expected_.target.sha256.hex())};
  }
  const auto finished = out_.finish();
  return finished ? ok() : Status(finished.error());
}

}  // namespace fieldpost::delta
