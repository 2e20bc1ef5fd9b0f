# The generated header, for .cpp files of ours and for tests that build broken messages.
add_library(fieldpost_wire_schema INTERFACE)
add_dependencies(fieldpost_wire_schema fieldpost_schema)
target_include_directories(fieldpost_wire_schema SYSTEM INTERFACE ${FB_OUT})
target_link_libraries(fieldpost_wire_schema INTERFACE flatbuffers::flatbuffers)

add_library(
  fieldpost_wire STATIC
  wire/codec_floats.cpp
  wire/codec_frame.cpp
  wire/codec_ints.cpp
  wire/codec_rice.cpp
  wire/codec_values.cpp
  wire/column_part.cpp
  wire/compression.cpp
  wire/batch_encoder.cpp
  wire/blob_http.cpp
  wire/body.cpp
  wire/build.cpp
  wire/describe.cpp
  wire/downlink.cpp
  wire/envelope.cpp
  wire/flat.cpp
  wire/flat_reader.cpp
  wire/gunzip.cpp
  wire/hash.cpp
  wire/hello.cpp
  wire/ids.cpp
  wire/influx_http.cpp
  wire/seq_ranges.cpp
  wire/flash_order.cpp
  wire/line_cache.cpp
  wire/line_format.cpp
  wire/line_protocol.cpp
  wire/line_value.cpp
  wire/media_type.cpp
  wire/names.cpp
  wire/node_state.cpp
  wire/output_file.cpp
  wire/readings.cpp
  wire/readings_codec.cpp
  wire/record.cpp
  wire/rfc3339.cpp
  wire/set_chooser.cpp
  wire/sha256.cpp
  wire/signing.cpp
  wire/stamped_lines.cpp
  wire/topics.cpp
  wire/zstd_frames.cpp)
target_link_libraries(
  fieldpost_wire
  PUBLIC fieldpost_flags fieldpost_rt
  PRIVATE fieldpost_wire_schema nlohmann_json::nlohmann_json zstd::libzstd_shared PkgConfig::SODIUM
          OpenSSL::Crypto ZLIB::ZLIB)
