#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/delta/content.h"
#include "proto/rt/result.h"

/// The file of a delta: this header, then what its form says. docs/artifacts.md, "A delta's file".
namespace fieldpost::delta {

inline constexpr std::size_t kDeltaHeaderBytes = 96;

/// How the target is made of the base.
enum class DeltaForm : std::uint8_t {
  kPlain = 1,  ///< one zstd frame of librsync's delta commands over the base's bytes
};

struct DeltaHeader {
  DeltaForm form = DeltaForm::kPlain;
  Change change;
  bool operator==(const DeltaHeader&) const = default;
};

[[nodiscard]] std::string encode(const DeltaHeader& header);  ///< kDeltaHeaderBytes of it
/// kInvalid: these are not the first kDeltaHeaderBytes of a delta, or of a form that is not known.
rt::Result<DeltaHeader> decode_delta_header(std::string_view bytes);

}  // namespace fieldpost::delta
