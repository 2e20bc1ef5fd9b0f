// Payloads of readings that were released: read for ever, and encoded to the same bytes.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/support/sample_readings.h"

namespace fieldpost::test {
namespace {

std::string golden(const std::string& name) {
  std::ifstream file(FIELDPOST_GOLDEN_DIR "/v1/" + name + ".bin", std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "no golden file ", name);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("readings released with version 1 are decoded [codec-3]") {
  for (const SampleReadings& sample : sample_readings()) {
    INFO(sample.name);
    const auto decoded = wire::decode_columns(golden(sample.name), sample.types);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == sample.columns);
  }
}

TEST_CASE("readings are encoded to the bytes that were released") {
  for (const SampleReadings& sample : sample_readings()) {
    INFO(sample.name);
    const bool same = wire::encode_columns(sample.columns, sample.types) == golden(sample.name);
    CHECK(same);
  }
}

}  // namespace fieldpost::test
