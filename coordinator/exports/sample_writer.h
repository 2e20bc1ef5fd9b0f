#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/exports/export_request.h"
#include "coordinator/query/calibration.h"
#include "coordinator/query/reading_query.h"
#include "proto/rt/result.h"
#include "proto/wire/output_file.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

/// What all rows of a stretch have in common.
struct SampleLabels {
  std::string_view node, sensor;
  std::string_view series;             ///< key, as wire::SeriesKey::text
  std::string_view recording;          ///< id
  std::string_view participant, task;  ///< names; empty: none
  wire::ValueType type = wire::ValueType::kF64;
  const Calibration* calibration = nullptr;  ///< never null
};

/// What is known of a sample file before it begins.
struct SampleFileHead {
  std::set<wire::ValueType> types;  ///< of the series that it may have
  bool has_calibrated_f64 = false;  ///< then the raw doubles have a column of their own
  bool has_bodies = false;          ///< then `file` says where the export has a row's body
  std::vector<std::pair<std::string, std::string>> metadata;  ///< Parquet only
  std::string created_by;
};

/// Writes one file of samples: rows of (time, labels, value), in the order in which they come.
/// Columns: `time`, `node`, `sensor`, `series`, `recording`, `participant`, `task`; `value`:
/// numbers as doubles, calibrated, and booleans as 0 and 1, none for texts; and the raw values as
/// they are stored in `raw_f64` (only where something is calibrated), `raw_i64`, `raw_u64`,
/// `raw_bool`, `raw_text`, of the types that the file may have. Where samples tell of frames and
/// files, `file`: the path of a row's, as of body_path.
class SampleWriter {
 public:
  virtual ~SampleWriter() = default;
  virtual rt::Status add(const SampleLabels& labels, const ReadingColumns& readings) = 0;
  virtual rt::Status finish() = 0;
};

/// `out` outlives it; whoever made it finishes the file.
rt::Result<std::unique_ptr<SampleWriter>> make_sample_writer(SampleFormat format,
                                                             SampleFileHead head,
                                                             wire::OutputFile& out);

}  // namespace fieldpost::coordinator
