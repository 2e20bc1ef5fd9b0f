// Any bytes are corrupt, or decode to columns that encode and decode to the same. The first byte
// says how many series there are, then comes a byte for the type of each, then the payload.
#include "proto/wire/readings_codec.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include "proto/wire/limits.h"

namespace wire = fieldpost::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty() || bytes.size() <= data[0]) return 0;
  std::vector<wire::ValueType> types;
  for (std::size_t i = 1; i <= data[0]; ++i) {
    types.push_back(static_cast<wire::ValueType>(1 + data[i] % 5));
  }
  bytes.remove_prefix(1 + types.size());
  const auto decoded = wire::decode_columns(bytes, types);
  if (!decoded) return 0;
  FP_CHECK(decoded->readings() <= wire::kRecordReadingsMax);
  const auto again = wire::decode_columns(wire::encode_columns(*decoded, types), types);
  FP_CHECK(again.has_value() && *again == *decoded);
  return 0;
}
