# Parquet files, written and read: core, bytes through callbacks.
add_library(
  fieldpost_parquet STATIC
  parquet/column_writer.cpp
  parquet/delta.cpp
  parquet/footer_writer.cpp
  parquet/page_checksum.cpp
  parquet/page_packer.cpp
  parquet/runs.cpp
  parquet/statistics.cpp
  parquet/text_dictionary.cpp
  parquet/thrift_writer.cpp
  parquet/writer.cpp)
target_link_libraries(
  fieldpost_parquet
  PUBLIC fieldpost_flags fieldpost_wire
  PRIVATE ZLIB::ZLIB)
