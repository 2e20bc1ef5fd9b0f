#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/store/chunk_purge.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/ids.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

/// Readings of one series and boot that give way.
struct OldReadings {
  std::string key;  ///< of the series
  wire::Id128 boot;
  std::vector<OldTime> times;  ///< ascending, distinct
};

/// Readings of one boot that come. Each has the rank of the message that it was made of.
struct FreshReadings {
  std::shared_ptr<const wire::SeriesSet> set;
  wire::Id128 boot;
  std::uint64_t readings = 0;
  std::string payload;  ///< encoded wire::Columns with origins, compressed
  std::uint8_t codec = 0;
  std::uint32_t raw_size = 0;
  std::vector<wire::Rank> origin_ranks;  ///< one for each of its origins
};

/// Takes those that are in chunks; the caller finishes the purge. Returns how many there were.
rt::Result<std::uint64_t> take_old(rt::Database& db, ChunkPurge& chunks, NodeNo node,
                                   const OldReadings& old);

/// Raw messages of a source were made into readings anew.
struct ReplayRecord {
  std::string node;
  std::string source;
  std::int64_t from = 0, to = 0;  ///< arrival of the messages; [from, to)
  std::string rules;              ///< text, see proto/mapping/rules.h
  std::string by;                 ///< who asked
};

/// What that changes. Of a reading that is in both, the fresh one stays.
struct Replacement {
  ReplayRecord record;
  std::vector<OldReadings> old;
  std::vector<FreshReadings> fresh;
};

/// How many of the old readings were there, and how many came.
struct Replaced {
  std::uint64_t removed = 0;
  std::uint64_t added = 0;
};

}  // namespace fieldpost::coordinator
