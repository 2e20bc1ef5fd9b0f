#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/store/chunk_purge.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/batch_encoder.h"
#include "proto/wire/ids.h"

namespace fieldpost::coordinator {

/// Readings of one series and boot that give way.
struct OldReadings {
  std::string key;  ///< of the series
  wire::Id128 boot;
  std::vector<std::int64_t> times;  ///< ascending, distinct
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
  std::vector<wire::EncodedReadings> fresh;
};

/// How many of the old readings were there, and how many came.
struct Replaced {
  std::uint64_t removed = 0;
  std::uint64_t added = 0;
};

}  // namespace fieldpost::coordinator
