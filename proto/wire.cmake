add_library(
  fieldpost_wire STATIC
  wire/downlink.cpp
  wire/envelope.cpp
  wire/flat.cpp
  wire/flat_reader.cpp
  wire/hash.cpp
  wire/hello.cpp
  wire/ids.cpp
  wire/names.cpp
  wire/node_state.cpp
  wire/readings.cpp
  wire/record.cpp
  wire/signing.cpp
  wire/topics.cpp)
add_dependencies(fieldpost_wire fieldpost_schema)
target_include_directories(fieldpost_wire SYSTEM PRIVATE ${FB_OUT})
target_link_libraries(
  fieldpost_wire
  PUBLIC fieldpost_flags fieldpost_rt
  PRIVATE flatbuffers::flatbuffers zstd::libzstd_shared PkgConfig::SODIUM)
