// make_golden DIRECTORY: writes the golden file of each message that is not there yet. What is
// there was released and stays as it is.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/sample_messages.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_golden DIRECTORY\n", stderr);
    return 2;
  }
  for (const auto& message : fieldpost::test::sample_messages()) {
    const auto path = std::filesystem::path(argv[1]) / (message.name + ".bin");
    if (std::filesystem::exists(path)) continue;
    std::ofstream(path, std::ios::binary) << message.bytes;
    std::printf("wrote %s\n", path.c_str());
  }
}
