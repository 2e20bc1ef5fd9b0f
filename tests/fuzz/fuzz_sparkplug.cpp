#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/mapping/sparkplug.h"

using fieldpost::mapping::ReadingsBuilder;
using fieldpost::mapping::Sparkplug;

/// The bytes as a birth, then as data of the node that was born.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  Sparkplug sparkplug("m");
  for (const char* topic :
       {"spBv1.0/g/NBIRTH/n", "spBv1.0/g/DBIRTH/n/d", "spBv1.0/g/NDATA/n", "spBv1.0/g/DDATA/n/d"}) {
    ReadingsBuilder builder;
    const auto taken =
        sparkplug.take({.topic = topic, .payload = payload, .arrived = {}, .now = {}}, builder);
    if (!taken && builder.readings() != 0) __builtin_trap();
    for (const std::string& key : builder.lines().keys) {
      if (!fieldpost::wire::SeriesKey::parse(key)) __builtin_trap();
    }
  }
  return 0;
}
