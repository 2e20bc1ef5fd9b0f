#pragma once

#include <cstdint>

#include "proto/wire/sha256.h"

namespace fieldpost::delta {

/// What a file holds.
struct Content {
  std::uint64_t size = 0;  ///< at most wire::kBodyBytesMax
  wire::Sha256Digest sha256;
  bool operator==(const Content&) const = default;
};

/// From one content to another.
struct Change {
  Content base;
  Content target;
  bool operator==(const Change&) const = default;
};

}  // namespace fieldpost::delta
