#include "proto/delta/delta_writer.h"

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

DeltaWriter::DeltaWriter(rt::Files& files, const Signature& signature, DeltaPaths paths,
                         const Change& change, std::uint64_t bytes_max)
    : files_(files),
      paths_(std::move(paths)),
      change_(change),
      bytes_max_(bytes_max),
      job_(LibrsyncJob::delta(signature.handle())),
      extender_(
          paths_.base.empty()
              ? CopyExtender::ReadBase{}
              : [this](std::uint64_t offset, std::size_t size) { return read_base(offset, size); },
          change.base.size, signature.options().block_bytes, commands_),
      out_(files, paths_.delta) {}

Result<bool> DeltaWriter::step() {
  auto more = go_on();
  // What failed is told; a temporary file that cannot be removed now is overwritten by the next.
  if (!more) (void)out_.discard();
  return more;
}

Result<bool> DeltaWriter::go_on() {
  if (read_ == 0 && out_.size() == 0) {
    if (auto done = begin(); !done) return done.error();
  }
  std::string commands;
  const auto more = read_target(commands);
  if (!more) return more;
  reader_.add(commands);
  for (;;) {
    const auto command = reader_.next();
    if (!command) return command.error();
    if (!*command) break;
    if (auto done = extender_.take(**command); !done) return done.error();
    if ((*command)->kind == DeltaCommand::Kind::kEnd) break;
  }
  if (auto done = pack(!*more); !done) return done.error();
  if (*more) return true;
  const auto written = out_.finish();
  if (!written) return written.error();
  written_ = *written;
  return false;
}

Status DeltaWriter::begin() {
  return out_.append(encode(DeltaHeader{.form = DeltaForm::kPlain, .change = change_}));
}

/// Some of the target through librsync. false: that was the last.
Result<bool> DeltaWriter::read_target(std::string& commands) {
  // One byte more than there should be tells of a file that is longer.
  const std::uint64_t left = change_.target.size - read_;
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(kStepBytes, left + 1));
  const auto bytes = files_.read_no_follow(paths_.target, read_, most);
  if (!bytes) return bytes.error();
  const bool is_last = bytes->size() < most;
  hash_.add(*bytes);
  read_ += bytes->size();
  if (read_ > change_.target.size ||
      (is_last && Content{read_, hash_.digest()} != change_.target)) {
    return Error{Errc::kInvalid, fmt::format("making a delta: {} is not the file of SHA-256 {}",
                                             paths_.target, change_.target.sha256.hex())};
  }
  if (auto done = job_.feed(*bytes, is_last, commands); !done) return done.error();
  return !is_last;
}

Status DeltaWriter::pack(bool is_last) {
  std::string packed;
  zstd_.add(commands_, is_last, packed);
  commands_.clear();
  if (out_.size() + packed.size() > bytes_max_) {
    return Error{Errc::kFull, fmt::format("making a delta: it has more than {} bytes", bytes_max_)};
  }
  return out_.append(packed);
}

Result<std::string> DeltaWriter::read_base(std::uint64_t offset, std::size_t size) {
  auto bytes = files_.read_no_follow(paths_.base, offset, size);
  if (bytes && bytes->size() != size) {
    return Error{Errc::kCorrupt, fmt::format("making a delta: the base {} ends before byte {}",
                                             paths_.base, offset + size)};
  }
  return bytes;
}

}  // namespace fieldpost::delta
