#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/wire/codec_bytes.h"
#include "proto/wire/readings_codec.h"

/// What surrounds the values of a payload: which series are present, which times they share, where
/// readings come from ([codec-3], [codec-4], [codec-7]).
namespace fieldpost::wire::codec {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::uint8_t kOrigins = 0x10;  ///< flag of the presence byte

void put_presence(std::string& out, const Columns& columns, std::uint8_t flags);
/// Indices of the present series; `flags` gets the rest of the presence byte.
std::vector<std::size_t> take_presence(ByteReader& in, std::size_t series, std::uint8_t& flags);

/// Distinct time columns and which of them each present column follows.
struct TimeRefs {
  std::vector<std::size_t> counts;  ///< of each distinct time column
  std::vector<std::size_t> refs;    ///< one for each present column
};
/// Also tells the first column that has each distinct time column.
[[nodiscard]] TimeRefs find_time_refs(std::span<const Column* const> present,
                                      std::vector<const Column*>& firsts);
void put_time_refs(std::string& out, const TimeRefs& refs);
/// Fails when there are more than kRecordReadingsMax readings.
TimeRefs take_time_refs(ByteReader& in, std::size_t present);

void put_origins(std::string& out, const Columns& columns);
/// `columns` has all its columns; fills origins and runs.
void take_origins(ByteReader& in, Columns& columns);

}  // namespace fieldpost::wire::codec
