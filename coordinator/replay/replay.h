#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/replay/fresh_columns.h"
#include "coordinator/store/replacement.h"
#include "proto/mapping/mapper.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// What one replay keeps in memory: old and fresh readings together, and what they take.
inline constexpr std::uint64_t kReplayReadingsMax = 10'000'000;
inline constexpr std::uint64_t kReplayBytesMax = 400'000'000;

struct ReplayRequest {
  std::string node;
  std::string source;  ///< empty: the only one of the node with messages in the range
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
  /// has several sources; kFull: more than one replay may keep.
  rt::Result<bool> step(ReadingQuery& query);
  [[nodiscard]] const ReplayProgress& progress() const { return progress_; }
  [[nodiscard]] const std::string& source() const { return request_.source; }

  /// After the last step: what to put in place of what.
  [[nodiscard]] Replacement take_replacement();

 private:
  using MapperPtr = std::shared_ptr<mapping::Mapper>;
  /// Messages that became readings by the same rules.
  struct Part {
    SeriesId series = 0;
    std::string rules_text;  ///< by which they did when they came
    MapperPtr rules;
    std::int64_t next_time = 0;  ///< where the next page begins
    std::vector<RankedReading> page;
    std::size_t at = 0;  ///< in the page
    bool ends = false;   ///< there is no other page
    [[nodiscard]] bool is_dry() const { return at == page.size() && !ends; }
  };
  /// Earlier replays by the same rules: what they made of their messages is in the store, too.
  struct Earlier {
    std::vector<TimeRange> ranges;
    MapperPtr rules;
    [[nodiscard]] bool covers(std::int64_t time) const;
  };
  using SeriesBoot = std::pair<std::string, wire::Id128>;

  Replay(ReplayRequest request, mapping::Mapper mapper);
  rt::Status begin(ReadingQuery& query);
  rt::Result<std::vector<SeriesInfo>> find_raw(ReadingQuery& query);
  rt::Status close_range(ReadingQuery& query, std::vector<SeriesInfo>& raw);
  rt::Status find_source(const std::vector<SeriesInfo>& raw);
  rt::Status find_earlier(ReadingQuery& query);
  rt::Result<std::string> rules_of(ReadingQuery& query, const SeriesInfo& raw);
  rt::Status load_page(ReadingQuery& query, Part& part);
  Part* next_part();
  rt::Status take_message(Part& part, const RankedReading& raw);
  void note_old(Part& part, const mapping::Message& message, const RankedReading& raw);
  rt::Status make_fresh(const mapping::Message& message, const RankedReading& raw);
  rt::Status add_fresh(const wire::Id128& boot, const wire::ParsedLines& lines,
                       const wire::Rank& rank);
  rt::Status flush(FreshColumns& columns);
  void count_unmapped(const RankedReading& raw, std::uint64_t count, const std::string& why);

  ReplayRequest request_;
  mapping::Mapper mapper_;
  bool begun_ = false;
  std::vector<Part> parts_;
  std::map<std::string, Earlier> earlier_;  ///< by the text of their rules
  ReplayProgress progress_;
  std::uint64_t bytes_ = 0;
  std::map<SeriesBoot, std::vector<OldTime>> old_;
  std::map<wire::Id128, FreshColumns> gathering_;  ///< by boot
  std::vector<FreshReadings> fresh_;
};

}  // namespace fieldpost::coordinator
