#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/replacement.h"
#include "proto/mapping/mapper.h"
#include "proto/rt/result.h"
#include "proto/wire/batch_encoder.h"

namespace fieldpost::coordinator {

/// Old and fresh readings together: what one replay keeps in memory, 8 bytes of each old one and
/// fewer of a fresh one.
inline constexpr std::uint64_t kReplayReadingsMax = 20'000'000;

struct ReplayRequest {
  std::string node;
  std::string source;  ///< empty: the only one of the node that keeps its messages
  TimeRange range;     ///< of the messages' arrival
  mapping::MappingRules rules;
  std::string by;  ///< who asks
};

struct ReplayProgress {
  std::uint64_t messages = 0;        ///< done
  std::uint64_t messages_total = 0;  ///< as counted at the start
  std::uint64_t readings = 0;        ///< made
  std::uint64_t old_readings = 0;    ///< that were made of the same messages before
  std::uint64_t unmapped = 0;        ///< messages, or lines of them, of which nothing could be made
  std::string first_error;           ///< of these
};

/// Makes readings anew of the raw messages of a source, by changed rules, and finds out which ones
/// were made of them before: by the rules that went with them, or by earlier replays. Changes
/// nothing itself. One thread at a time; a step is short.
class Replay {
 public:
  /// kInvalid: the rules are wrong.
  static rt::Result<Replay> make(ReplayRequest request);

  /// The next step; false when there is no more. kNotFound: no raw messages are kept under this
  /// name, or the rules by which they became readings are not known any more; kInvalid: the node
  /// has several sources; kFull: more than kReplayReadingsMax.
  rt::Result<bool> step(ReadingQuery& query);
  [[nodiscard]] const ReplayProgress& progress() const { return progress_; }
  [[nodiscard]] const std::string& source() const { return request_.source; }

  /// After the last step: what to put in place of what.
  [[nodiscard]] Replacement take_replacement();

 private:
  /// Messages that became readings by the same rules.
  struct Part {
    SeriesId series = 0;
    std::int64_t first_time = 0;
    std::shared_ptr<mapping::Mapper> rules;  ///< by which they became readings when they came
  };
  /// An earlier replay: what it made of its messages is in the store, too.
  struct Earlier {
    TimeRange range;
    std::shared_ptr<mapping::Mapper> rules;
  };
  using SeriesBoot = std::pair<std::string, wire::Id128>;

  Replay(ReplayRequest request, mapping::Mapper mapper);
  rt::Status begin(ReadingQuery& query);
  rt::Result<std::vector<SeriesInfo>> find_raw(ReadingQuery& query);
  rt::Status find_earlier(ReadingQuery& query);
  rt::Result<std::shared_ptr<mapping::Mapper>> rules_of(ReadingQuery& query, const SeriesInfo& raw);
  rt::Status take_page(const std::vector<Reading>& page, const Part& part);
  void note_old(mapping::Mapper& mapper, const mapping::RawMessage& message, const Reading& raw);
  void make_fresh(const mapping::RawMessage& message, const Reading& raw);
  rt::Status encode_fresh();

  ReplayRequest request_;
  mapping::Mapper mapper_;
  wire::BatchEncoder encoder_{wire::EncoderOptions{}};
  bool begun_ = false;
  std::vector<Part> parts_;  ///< by their first messages
  std::size_t part_ = 0;     ///< at work
  std::int64_t next_time_ = 0;
  std::vector<Earlier> earlier_;
  ReplayProgress progress_;
  std::map<SeriesBoot, std::vector<std::int64_t>> old_;
  wire::ReadingsBatch batch_;  ///< fresh ones of one boot, not encoded yet
  wire::Id128 batch_boot_;
  std::vector<wire::EncodedReadings> fresh_;
};

}  // namespace fieldpost::coordinator
