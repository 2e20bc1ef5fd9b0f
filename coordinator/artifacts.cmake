# Artifacts of builds: which base a delta has, what is kept. Values alone.
add_library(fieldpost_artifacts STATIC artifacts/artifact_retention.cpp artifacts/nearest_base.cpp
                                       artifacts/transfer_bytes.cpp)
target_link_libraries(fieldpost_artifacts PUBLIC fieldpost_flags fieldpost_wire)
