#pragma once

#include <string>

#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

/// Name of the directory of bodies inside the store's.
inline constexpr const char* kBlobDirectoryName = "blobs";
/// And of the one where those lie that come over HTTP, until they are whole.
inline constexpr const char* kUploadDirectoryName = "uploads";

/// Where a body of this hash lies inside the directory of bodies.
[[nodiscard]] inline std::string blob_path(const std::string& directory,
                                           const wire::Sha256Digest& hash) {
  const std::string name = hash.hex();
  return directory + "/" + name.substr(0, 2) + "/" + name;
}

}  // namespace fieldpost::coordinator
