#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/spool/set_chooser.h"
#include "agent/spool/spool_record.h"
#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/messages.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::agent {

/// Which class of readings a measurement belongs to: the first pattern that matches, else class 0.
struct ClassPattern {
  std::string measurement;  ///< shell pattern with * and ?
  int index = 0;
};

struct EncoderOptions {
  int zstd_level = 3;
  std::vector<ClassPattern> classes;
};

/// Readings gathered by the batcher, on their way to becoming records.
struct ReadingsBatch {
  std::vector<wire::ParsedLines> pieces;  ///< in order of arrival
  wire::Clock stamp;                      ///< when the batch was closed
  bool boot_stamped = false;
};

/// Turns batches into records: groups by class and series set, encodes, compresses, hashes. Records
/// come without a name. Encoder's thread only.
class RecordEncoder {
 public:
  explicit RecordEncoder(EncoderOptions options) : options_(std::move(options)) {}
  /// Every reading of the batch is in exactly one of the records. Fails only for keys that are not
  /// canonical, which the parser never makes (kInvalid).
  rt::Result<std::vector<SpoolRecord>> encode(ReadingsBatch batch);

 private:
  struct Merged {
    std::vector<std::string> keys;
    std::vector<wire::Column> columns;
  };
  [[nodiscard]] int class_of(const std::string& key);
  std::vector<Merged> merge_by_class(std::vector<wire::ParsedLines> pieces);
  rt::Status encode_class(int index, Merged merged, const ReadingsBatch& batch,
                          std::vector<SpoolRecord>& out);
  void encode_columns(int index, const std::shared_ptr<const wire::SeriesSet>& set,
                      wire::Columns columns, const ReadingsBatch& batch,
                      std::vector<SpoolRecord>& out);

  EncoderOptions options_;
  SetChooser sets_;
  std::unordered_map<std::string, int> class_of_measurement_;
};

/// Finishes a record: encodes it, hashes it and fills the fields that mirror its content.
[[nodiscard]] SpoolRecord make_spool_record(const wire::Record& record, RecordClass record_class);

}  // namespace fieldpost::agent
