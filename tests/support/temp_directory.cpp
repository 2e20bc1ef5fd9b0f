#include "tests/support/temp_directory.h"

#include <cstdlib>
#include <filesystem>

#include "proto/rt/result.h"

namespace fieldpost::test {

TempDirectory::TempDirectory()
    : path_((std::filesystem::temp_directory_path() / "fieldpost-XXXXXX").string()) {
  FP_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace fieldpost::test
