#pragma once

#include <string>
#include <vector>

#include "proto/wire/readings_codec.h"

/// Payloads that use every form of the readings codec, for golden files and fuzzing.
namespace fieldpost::test {

struct SampleReadings {
  std::string name;  ///< of its golden file
  std::vector<wire::ValueType> types;
  wire::Columns columns;
};
std::vector<SampleReadings> sample_readings();

}  // namespace fieldpost::test
