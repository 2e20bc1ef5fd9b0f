#pragma once

#include <cstdint>
#include <string_view>

/// Numbers of the Apache Parquet format, as parquet.thrift of apache/parquet-format (2.10) names
/// them. A file is the magic, the column chunks of each row group, the footer (FileMetaData in
/// Thrift's compact protocol), its length in four bytes, the magic again.
namespace fieldpost::coordinator::parquet {

inline constexpr std::string_view kMagic = "PAR1";
inline constexpr std::string_view kEncryptedMagic = "PARE";
inline constexpr std::size_t kTailBytes = 8;  ///< length of the footer, magic

enum class Physical : std::int32_t {
  kBoolean = 0,
  kInt32 = 1,
  kInt64 = 2,
  kInt96 = 3,
  kFloat = 4,
  kDouble = 5,
  kByteArray = 6,
  kFixedBytes = 7,
};

enum class Repetition : std::int32_t { kRequired = 0, kOptional = 1, kRepeated = 2 };

enum class Encoding : std::int32_t {
  kPlain = 0,
  kPlainDictionary = 2,  ///< what RLE_DICTIONARY was called in format 1
  kRle = 3,
  kBitPacked = 4,
  kDeltaBinaryPacked = 5,
  kDeltaLengthByteArray = 6,
  kDeltaByteArray = 7,
  kRleDictionary = 8,
  kByteStreamSplit = 9,
};

enum class Codec : std::int32_t {
  kUncompressed = 0,
  kSnappy = 1,
  kGzip = 2,
  kZstd = 6,
};

enum class PageType : std::int32_t { kData = 0, kIndex = 1, kDictionary = 2, kDataV2 = 3 };

/// The older annotation of a column. Other numbers have no reader here.
enum class Converted : std::int32_t {
  kUtf8 = 0,
  kEnum = 4,
  kTimestampMillis = 9,
  kTimestampMicros = 10,
  kUint8 = 11,
  kUint16 = 12,
  kUint32 = 13,
  kUint64 = 14,
  kInt8 = 15,
  kInt16 = 16,
  kInt32 = 17,
  kInt64 = 18,
  kJson = 19,
};

/// Members of the union LogicalType, and of the union TimeUnit inside its TimestampType.
enum class Logical : std::int16_t {
  kString = 1,
  kEnum = 4,
  kTimestamp = 8,
  kInteger = 10,
  kJson = 12,
};
enum class TimeUnit : std::int16_t { kMillis = 1, kMicros = 2, kNanos = 3 };

}  // namespace fieldpost::coordinator::parquet
