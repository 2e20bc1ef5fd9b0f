// make_golden DIRECTORY: writes the golden file of each message that is not there yet. What is
// there was released and stays as it is.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/sample_messages.h"
#include "tests/support/sample_readings.h"

namespace {

void write_new(const std::filesystem::path& path, const std::string& bytes) {
  if (std::filesystem::exists(path)) return;
  std::ofstream(path, std::ios::binary) << bytes;
  std::printf("wrote %s\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_golden DIRECTORY\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  for (const auto& message : fieldpost::test::sample_messages()) {
    write_new(directory / (message.name + ".bin"), message.bytes);
  }
  for (const auto& sample : fieldpost::test::sample_readings()) {
    write_new(directory / (sample.name + ".bin"),
              fieldpost::wire::encode_columns(sample.columns, sample.types));
  }
}
