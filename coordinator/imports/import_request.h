#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/experiments/json_fields.h"
#include "proto/mapping/json_mapping.h"
#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

inline constexpr std::uint64_t kImportBytesMax = 1ULL << 42;  ///< of one file
inline constexpr std::size_t kCsvColumnsMax = 1024;

enum class ImportFormat : std::uint8_t {
  kArchive,       ///< a tar archive of an export, with its manifest
  kParquet,       ///< samples, as exports have them
  kCsv,           ///< samples as exports have them, or anything with a mapping
  kJsonLines,     ///< samples, as exports have them
  kLineProtocol,  ///< of InfluxDB, also as `influx_inspect export` and `influxd inspect` write it
};
[[nodiscard]] std::string_view to_string(ImportFormat format);  ///< "archive"
/// By the file's name, "a.lp.gz" like "a.lp".
[[nodiscard]] std::optional<ImportFormat> format_of_name(std::string_view name);

/// What is brought in, and how it becomes readings.
struct ImportRequest {
  ImportFormat format = ImportFormat::kArchive;
  std::string name;  ///< of the file, for people
  std::uint64_t size = 0;
  wire::Sha256Digest sha256;
  std::string node;              ///< whose the readings are; empty: each row says it
  std::string node_from;         ///< tag or column that names the node; goes before `node`
  std::string precision = "ns";  ///< kLineProtocol; as of wire::parse_precision
  std::optional<mapping::JsonMapping> mapping;  ///< kCsv: names columns
  char delimiter = ',';                         ///< kCsv
  std::vector<std::string> columns;             ///< kCsv; none: the first row names them
  std::string mapping_text;  ///< JSON that `mapping` was read from, without space
  std::string again;         ///< not empty: another import of the same file
};

/// Complains about what is wrong; `again` is left to the caller.
[[nodiscard]] ImportRequest read_import_request(JsonFields& fields);
/// What `encode` made.
rt::Result<ImportRequest> decode_import_request(std::string_view json);
[[nodiscard]] std::string encode(const ImportRequest& request);
/// 32 hex digits; equal for requests that bring in the same in the same way.
[[nodiscard]] std::string import_id(const ImportRequest& request);

}  // namespace fieldpost::coordinator
