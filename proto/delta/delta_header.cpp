#include "proto/delta/delta_header.h"

#include <fmt/format.h>

#include "proto/wire/limits.h"

namespace fieldpost::delta {

using rt::Errc;
using rt::Error;
using rt::Result;

namespace {

constexpr std::string_view kMagic = "fpdelta1";
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kFormAt = kMagic.size();
constexpr std::size_t kBaseAt = 16;
constexpr std::size_t kContentBytes = kDigestBytes + sizeof(std::uint64_t);
constexpr std::size_t kTargetAt = kBaseAt + kContentBytes;
static_assert(kTargetAt + kContentBytes == kDeltaHeaderBytes);

void append_content(std::string& out, const Content& content) {
  out += content.sha256.bytes();
  for (unsigned shift = 0; shift < 64; shift += 8) {
    out += static_cast<char>((content.size >> shift) & 0xff);
  }
}

Content content_at(std::string_view bytes, std::size_t at) {
  Content out;
  // There are 32 bytes: it has a value.
  out.sha256 = *wire::Sha256Digest::from_bytes(bytes.substr(at, kDigestBytes));
  for (std::size_t i = 0; i < sizeof(std::uint64_t); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[at + kDigestBytes + i]);
    out.size |= static_cast<std::uint64_t>(byte) << (8 * i);
  }
  return out;
}

Error refuse(std::string_view why) {
  return {Errc::kInvalid, fmt::format("reading the header of a delta: {}", why)};
}

}  // namespace

std::string encode(const DeltaHeader& header) {
  std::string out(kMagic);
  out += static_cast<char>(header.form);
  out.resize(kBaseAt, '\0');
  append_content(out, header.change.base);
  append_content(out, header.change.target);
  return out;
}

Result<DeltaHeader> decode_delta_header(std::string_view bytes) {
  if (bytes.size() < kDeltaHeaderBytes) {
    return refuse(fmt::format("it has {} bytes, {} are expected", bytes.size(), kDeltaHeaderBytes));
  }
  if (!bytes.starts_with(kMagic)) return refuse("it does not begin with fpdelta1");
  const auto form = static_cast<std::uint8_t>(bytes[kFormAt]);
  if (form != static_cast<std::uint8_t>(DeltaForm::kPlain)) {
    return refuse(fmt::format("form {} is not known here, 1 is", form));
  }
  if (bytes.substr(kFormAt + 1, kBaseAt - kFormAt - 1).find_first_not_of('\0') !=
      std::string_view::npos) {
    return refuse("bytes that should be zero are not");
  }
  DeltaHeader out;
  out.change = {content_at(bytes, kBaseAt), content_at(bytes, kTargetAt)};
  for (const std::uint64_t size : {out.change.base.size, out.change.target.size}) {
    if (size <= wire::kBodyBytesMax) continue;
    return refuse(fmt::format("a size of {} bytes is more than {}", size, wire::kBodyBytesMax));
  }
  return out;
}

}  // namespace fieldpost::delta
