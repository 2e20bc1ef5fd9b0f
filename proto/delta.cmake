# Deltas of files. librsync has neither a CMake package nor a pkg-config file.
find_library(RSYNC_LIBRARY rsync REQUIRED)
add_library(
  fieldpost_delta STATIC
  delta/copy_extender.cpp
  delta/delta_commands.cpp
  delta/delta_encoder.cpp
  delta/delta_header.cpp
  delta/delta_writer.cpp
  delta/librsync_job.cpp
  delta/patcher.cpp
  delta/signature.cpp
  delta/signature_options.cpp
  delta/signature_writer.cpp
  delta/zstd_stream.cpp)
target_link_libraries(
  fieldpost_delta
  PUBLIC fieldpost_wire
  PRIVATE ${RSYNC_LIBRARY} zstd::libzstd_shared)
