#pragma once

#include <cstddef>
#include <string>

#include "tools/bench/shapes.h"

namespace fieldpost::bench {

/// What the readings side of the wire makes of a shape.
struct CodecMeasured {
  std::string name;
  std::size_t readings = 0;
  double parse_per_s = 0;
  double encode_per_s = 0;
  double decode_per_s = 0;
  double bytes_raw = 0;   ///< a reading, before zstd
  double bytes_zstd = 0;  ///< a reading, as `compress` leaves it
};

/// Parses, encodes and decodes on this thread, each for about so many seconds.
[[nodiscard]] CodecMeasured measure_codec(const Shape& shape, double seconds, int zstd_level);

}  // namespace fieldpost::bench
