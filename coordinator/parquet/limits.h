#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound of the Parquet writer and reader, named (A6).
namespace fieldpost::coordinator::parquet {

inline constexpr std::size_t kColumnsMax = 1024;         ///< top-level columns of a file
inline constexpr std::size_t kNameBytesMax = 64 * 1024;  ///< of a column's name
inline constexpr std::size_t kRowGroupsMax = 32'767;     ///< their ordinal has 16 bits
inline constexpr std::size_t kStatisticBytesMax = 64;    ///< of a text; longer: no min and max
inline constexpr std::size_t kFooterBytesMax = 32 << 20;

// What is written.
inline constexpr std::size_t kGroupRowsMax = 1 << 20;     ///< of one row group
inline constexpr std::size_t kTextBytesMax = 16 << 20;    ///< of one text
inline constexpr std::size_t kPageBytes = 1 << 20;        ///< a page ends at it, before compression
inline constexpr std::size_t kPageRuns = 64 * 1024;       ///< and at as many runs
inline constexpr std::size_t kDictionaryTexts = 1 << 16;  ///< of a chunk; then texts stand as such
inline constexpr std::size_t kDictionaryBytes = 1 << 20;  ///< the same

// What is read.
inline constexpr std::size_t kSchemaElementsMax = 64 * 1024;  ///< with those of nested columns
inline constexpr std::size_t kChunksMax = 1 << 20;            ///< of all row groups
inline constexpr std::size_t kMetadataMax = 64 * 1024;        ///< entries
inline constexpr std::size_t kPageHeaderBytesMax = 64 * 1024;
inline constexpr std::size_t kPageBytesMax = 128 << 20;  ///< before and after decompression
inline constexpr std::size_t kPageValuesMax = 16 << 20;  ///< of a page or dictionary
inline constexpr std::size_t kHeldBytesMax = 512 << 20;  ///< pages of all columns at a time
inline constexpr std::size_t kFetchBytes = 256 * 1024;   ///< asked for at a time, or one page
inline constexpr int kDepthMax = 32;                     ///< of nesting in the footer

}  // namespace fieldpost::coordinator::parquet
