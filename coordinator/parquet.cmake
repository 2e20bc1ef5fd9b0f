# Parquet files, written and read: core, bytes through callbacks.
find_package(Snappy REQUIRED)
add_library(
  fieldpost_parquet STATIC
  parquet/chunk_bytes.cpp
  parquet/column_reader.cpp
  parquet/column_writer.cpp
  parquet/delta.cpp
  parquet/extent.cpp
  parquet/footer_reader.cpp
  parquet/footer_writer.cpp
  parquet/hybrid_reader.cpp
  parquet/page_checksum.cpp
  parquet/page_header.cpp
  parquet/page_packer.cpp
  parquet/page_unpacker.cpp
  parquet/page_values.cpp
  parquet/reader.cpp
  parquet/runs.cpp
  parquet/schema_reader.cpp
  parquet/text_dictionary.cpp
  parquet/thrift_reader.cpp
  parquet/thrift_writer.cpp
  parquet/writer.cpp)
target_link_libraries(
  fieldpost_parquet
  PUBLIC fieldpost_flags fieldpost_wire
  PRIVATE Snappy::snappy ZLIB::ZLIB)
