#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/sha256.h"

/// Bodies: bytes too large for a reading, known by the SHA-256 of them. proto/README.md, section 9.
namespace fieldpost::wire {

/// What a reading says of a body that belongs to its series and time.
struct BodyReference {
  Sha256Digest hash;
  std::uint64_t size = 0;  ///< from 1 to kBodyBytesMax
  std::string type;        ///< as is_media_type says
  std::string name;        ///< of the file that it was; empty: none
  bool operator==(const BodyReference&) const = default;
};

/// The text of such a reading begins so, and no other text is taken for one.
inline constexpr std::string_view kBodyReferencePrefix = R"({"fieldpost_blob":1,)";
/// `{"fieldpost_blob":1,"sha256":"…","size":n,"type":"…","name":"…"}`, `name` left out when empty.
[[nodiscard]] std::string encode(const BodyReference& reference);
/// nullopt: not byte for byte what encode makes of a valid reference.
[[nodiscard]] std::optional<BodyReference> decode_body_reference(std::string_view text);

/// `type/subtype` in lower case, without parameters, at most kMediaTypeBytesMax.
[[nodiscard]] bool is_media_type(std::string_view text);
/// UTF-8 without slashes and control characters, at most kBodyNameBytesMax, or empty.
[[nodiscard]] bool is_body_name(std::string_view text);
/// kInvalid with a sentence for people: what is wrong with size, type or name.
rt::Status check(const BodyReference& reference);

/// When a file belongs that was changed last at that time: by its name less than a millisecond
/// later, so that files of one instant are readings of different times, and each of the same one
/// whenever it is offered.
[[nodiscard]] rt::UnixTime body_time(rt::UnixTime modified, std::string_view name);

/// A piece of a body: the payload of a record of kind kFragment.
struct Fragment {
  Sha256Digest body;
  std::uint64_t size = 0;  ///< of the body
  std::string type;
  std::uint64_t offset = 0;  ///< a multiple of kFragmentBytes
  std::string bytes;         ///< kFragmentBytes of them, or up to the body's end
  bool operator==(const Fragment&) const = default;
};
[[nodiscard]] std::string encode(const Fragment& fragment);
rt::Result<Fragment> decode_fragment(std::string_view bytes);

/// Fragments of a body of this size.
[[nodiscard]] std::uint64_t fragment_count(std::uint64_t size);
/// Bytes of the one that begins there.
[[nodiscard]] std::size_t fragment_size(std::uint64_t size, std::uint64_t offset);

}  // namespace fieldpost::wire
