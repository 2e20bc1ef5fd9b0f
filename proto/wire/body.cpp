#include "proto/wire/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kNsPerMs = 1'000'000;

bool is_type_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$&^_.+-").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_type_char);
}

bool is_body_size(std::uint64_t size) {
  return size >= 1 && size <= kBodyBytesMax;
}

std::optional<BodyReference> read_reference(const Json& json) {
  const auto text = [&json](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  const auto hash = Sha256Digest::from_hex(text("sha256"));
  const auto size = json.find("size");
  if (!hash || size == json.end() || !size->is_number_unsigned()) return std::nullopt;
  return BodyReference{*hash, size->get<std::uint64_t>(), text("type"), text("name")};
}

}  // namespace

bool is_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  return text.size() <= kMediaTypeBytesMax && slash != std::string_view::npos &&
         is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

bool is_body_name(std::string_view text) {
  const auto is_bad = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '/';
  };
  return text.size() <= kBodyNameBytesMax && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), is_bad);
}

rt::Status check(const BodyReference& reference) {
  const auto refuse = [](std::string why) { return rt::Error{rt::Errc::kInvalid, std::move(why)}; };
  if (reference.size == 0) return refuse("it is empty");
  if (!is_body_size(reference.size)) {
    return refuse(fmt::format("it is larger than {} bytes", kBodyBytesMax));
  }
  if (!is_media_type(reference.type)) {
    return refuse(fmt::format("\"{}\" is no media type such as image/jpeg", reference.type));
  }
  if (!is_body_name(reference.name)) {
    return refuse("a name is at most 255 bytes of UTF-8 without slashes and control characters");
  }
  return rt::ok();
}

std::string encode(const BodyReference& reference) {
  Json json{{"fieldpost_blob", 1},
            {"sha256", reference.hash.hex()},
            {"size", reference.size},
            {"type", reference.type}};
  if (!reference.name.empty()) json["name"] = reference.name;
  return json.dump();
}

std::optional<BodyReference> decode_body_reference(std::string_view text) {
  if (!text.starts_with(kBodyReferencePrefix)) return std::nullopt;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  auto reference = read_reference(json);
  if (!reference || !check(*reference) || encode(*reference) != text) return std::nullopt;
  return reference;
}

rt::UnixTime body_time(rt::UnixTime modified, std::string_view name) {
  return {modified.ns + static_cast<std::int64_t>(hash128(name).lo % kNsPerMs)};
}

std::string encode(const Fragment& fragment) {
  flatbuffers::FlatBufferBuilder builder(fragment.bytes.size() + 256);
  const auto bytes = write_bytes(builder, fragment.bytes);
  const auto body = builder.CreateVector(fragment.body.value.data(), fragment.body.value.size());
  const auto type = write_text(builder, fragment.type);
  return finish(builder,
                fb::CreateFragment(builder, body, fragment.size, type, fragment.offset, bytes));
}

rt::Result<Fragment> decode_fragment(std::string_view bytes) {
  FlatReader in("fragment", bytes);
  const auto* flat = in.root<fb::Fragment>();
  if (flat == nullptr) return in.error();
  const auto hash = Sha256Digest::from_bytes(
      in.bytes(flat->body(), sizeof(Sha256Digest::value), "its body's hash is too long"));
  Fragment fragment{.body = hash.value_or(Sha256Digest{}),
                    .size = flat->size(),
                    .type = in.text(flat->type()),
                    .offset = flat->offset(),
                    .bytes = in.bytes(flat->bytes(), kFragmentBytes, "it is too large")};
  in.require(hash.has_value(), "its body's hash is not 32 bytes");
  in.require(is_body_size(fragment.size), "its body has no such size");
  in.require(is_media_type(fragment.type), "its body's type is no media type");
  const bool fits = fragment.offset % kFragmentBytes == 0 && fragment.offset < fragment.size;
  in.require(fits, "it is cut at another place than fragments are");
  in.require(!fits || fragment.bytes.size() == fragment_size(fragment.size, fragment.offset),
             "it is of another length than its place says");
  return in.finish(std::move(fragment));
}

std::uint64_t fragment_count(std::uint64_t size) {
  return (size + kFragmentBytes - 1) / kFragmentBytes;
}

std::size_t fragment_size(std::uint64_t size, std::uint64_t offset) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(kFragmentBytes, size - offset));
}

}  // namespace fieldpost::wire
