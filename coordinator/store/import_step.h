#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/store/import_table.h"
#include "proto/wire/batch_encoder.h"

namespace fieldpost::coordinator {

struct ImportedReadings {
  std::string node;  ///< made if new
  wire::EncodedReadings encoded;
};

/// What an import brings in at once: all of it is stored, or nothing.
struct ImportStep {
  std::vector<ImportedReadings> readings;
  std::uint64_t nodes_left = kImportNodesMax;  ///< new ones that it may make
  ImportPlace place;                           ///< behind them
  std::uint64_t rows_bad = 0;
  std::vector<std::string> problems;
};

}  // namespace fieldpost::coordinator
