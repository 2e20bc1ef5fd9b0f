#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/messages.h"
#include "proto/wire/readings_codec.h"
#include "proto/wire/set_chooser.h"

namespace fieldpost::wire {

/// Which class of readings a measurement belongs to: the first pattern that matches, else class 0.
struct ClassPattern {
  std::string measurement;  ///< shell pattern with * and ?
  int index = 0;
};

inline constexpr int kReadingClassesMax = 8;

struct EncoderOptions {
  int zstd_level = 3;
  std::vector<ClassPattern> classes;  ///< indices below kReadingClassesMax
};

/// Readings gathered by the batcher, on their way to becoming records.
struct ReadingsBatch {
  std::vector<ParsedLines> pieces;       ///< in order of arrival
  std::vector<ParsedLines> boot_pieces;  ///< stamped by a clock that was not synchronised [env-9]
  Clock stamp;                           ///< when the batch was closed
};

/// One record's worth of readings.
struct EncodedReadings {
  int class_index = 0;
  Record record;
  std::shared_ptr<const SeriesSet> set;
};

/// Turns batches into records: groups by class and series set, encodes, compresses. One thread.
class BatchEncoder {
 public:
  explicit BatchEncoder(EncoderOptions options) : options_(std::move(options)) {}
  /// Every reading of the batch is in exactly one of the records; raw messages are in the last
  /// ones. Fails only for keys that are not canonical or twice in one piece, which the parser never
  /// makes (kInvalid).
  rt::Result<std::vector<EncodedReadings>> encode(ReadingsBatch batch);

 private:
  struct Merged {
    std::vector<std::string> keys;
    std::vector<Column> columns;
  };
  [[nodiscard]] int class_of(const std::string& key);
  std::vector<Merged> merge_by_class(std::vector<ParsedLines> pieces);
  struct Stamp {
    Clock clock;
    bool boot_stamped = false;
  };
  rt::Status encode_pieces(std::vector<ParsedLines> pieces, const Stamp& stamp,
                           std::vector<EncodedReadings>& out);
  rt::Status encode_class(int index, Merged merged, const Stamp& stamp,
                          std::vector<EncodedReadings>& out);
  void encode_columns(int index, const std::shared_ptr<const SeriesSet>& set, Columns columns,
                      const Stamp& stamp, std::vector<EncodedReadings>& out);

  EncoderOptions options_;
  SetChooser sets_;
  std::unordered_map<std::string, int> class_of_measurement_;
};

}  // namespace fieldpost::wire
