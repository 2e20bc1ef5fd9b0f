#include "agent/sources/file_body.h"

#include <algorithm>
#include <utility>

#include "proto/wire/hash.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::Result;

namespace {

Error changed() {
  return {Errc::kInvalid, "the file changed while it was read"};
}

}  // namespace

Result<bool> FileBody::hash_on(rt::Files& files) {
  const std::uint64_t end = std::min<std::uint64_t>(info_.size, hashed_ + kHashBytes);
  while (hashed_ < end) {
    const std::size_t size = wire::fragment_size(info_.size, hashed_);
    const auto piece = files.read_no_follow(path_, hashed_, size);
    if (!piece) return piece.error();
    if (piece->size() != size) return changed();
    hash_.add(*piece);
    pieces_.push_back(wire::hash128(*piece));
    hashed_ += size;
  }
  if (hashed_ < info_.size) return false;
  const auto now = files.info_no_follow(path_);
  if (!now) return now.error();
  if (*now != info_) return changed();
  return true;
}

Result<std::string> FileBody::read(rt::Files& files, std::uint64_t offset, std::size_t size) const {
  auto piece = files.read_no_follow(path_, offset, size);
  if (!piece) return piece;
  const bool same = wire::hash128(*piece) == pieces_.at(offset / wire::kFragmentBytes);
  return same ? std::move(piece) : Result<std::string>(changed());
}

ReadPiece FileBody::reader(std::shared_ptr<const FileBody> body, rt::Files& files,
                           rt::Worker& worker) {
  return [body = std::move(body), &files, &worker](std::uint64_t offset, std::size_t size,
                                                   auto done) {
    auto piece = std::make_shared<Result<std::string>>(std::string{});
    worker.run([body, &files, offset, size, piece] { *piece = body->read(files, offset, size); },
               [piece, done = std::move(done)] { done(std::move(*piece)); });
  };
}

}  // namespace fieldpost::agent
