#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/run.h"
#include "proto/rt/result.h"
#include "proto/wire/readings.h"

/// The bytes inside a pack. Each part is sealed: codec, raw size, CRC-32C, then the bytes. Decoders
/// answer kCorrupt for anything that the encoders do not make.
namespace fieldpost::coordinator {

inline constexpr std::size_t kChunkReadingsMax = 4096;
inline constexpr int kChunkZstdLevel = 6;

struct RankRun {
  wire::Rank rank;
  std::uint32_t count = 0;
  bool operator==(const RankRun&) const = default;
};

/// When the readings of a chunk were taken and where each was first accepted. Series that are
/// sampled together share one.
struct Timeline {
  std::vector<std::int64_t> times;  ///< ascending, distinct
  std::vector<RankRun> ranks;       ///< cover the times
  bool operator==(const Timeline&) const = default;
};

struct Values {
  std::vector<std::uint64_t> values;
  std::vector<std::string> strings;  ///< kString only
};

[[nodiscard]] Timeline timeline_of(std::span<const Item> items);

[[nodiscard]] std::string encode_timeline(const Timeline& timeline);
rt::Result<Timeline> decode_timeline(std::string_view sealed);

[[nodiscard]] std::string encode_values(const Values& values, wire::ValueType type);
/// `count` values, or kCorrupt.
rt::Result<Values> decode_values(std::string_view sealed, wire::ValueType type, std::size_t count);

}  // namespace fieldpost::coordinator
