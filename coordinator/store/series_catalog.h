#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

/// What a catalog keeps in memory before it forgets all of that kind: room for some 500 of the
/// largest sets, or 100,000 of one series.
struct CatalogLimits {
  std::size_t set_bytes_max = 80 << 20;
  std::size_t id_bytes_max = 32 << 20;
};

using SetPtr = std::shared_ptr<const wire::SeriesSet>;
using SeriesIds = std::shared_ptr<const std::vector<SeriesId>>;

/// Which series exist, and which sets name them in which order. Keeps what it read in memory: rows
/// never change. Over a read-only connection only the `find_*` may be called.
class SeriesCatalog {
 public:
  explicit SeriesCatalog(rt::Database& db, CatalogLimits limits = {}) : db_(db), limits_(limits) {}

  /// kNotFound when the store does not have it.
  rt::Result<SetPtr> find_set(const wire::Hash128& hash);
  rt::Result<SetPtr> find_set(std::int64_t set_no);
  rt::Result<SetPtr> add_set(std::string_view bytes);
  /// Row of a set, which is added when it is missing.
  rt::Result<std::int64_t> set_no(const wire::SeriesSet& set);

  /// kNotFound when this node never used this set.
  rt::Result<SeriesIds> find_ids(NodeNo node, std::int64_t set_no);
  rt::Result<SeriesIds> series_of(NodeNo node, const wire::SeriesSet& set);

  void forget();

 private:
  rt::Status insert_set(const wire::SeriesSet& set);
  rt::Result<SetPtr> remember(std::int64_t no, std::string_view bytes);
  rt::Result<SeriesIds> make_ids(NodeNo node, std::int64_t set_no, const wire::SeriesSet& set);
  rt::Result<SeriesId> series_id(NodeNo node, std::string_view key, wire::ValueType type);

  rt::Database& db_;
  CatalogLimits limits_;
  std::size_t set_bytes_ = 0;
  std::size_t id_bytes_ = 0;
  std::unordered_map<std::int64_t, SetPtr> sets_;
  std::unordered_map<wire::Hash128, std::int64_t> set_nos_;
  std::map<std::pair<NodeNo, std::int64_t>, SeriesIds> ids_;
};

}  // namespace fieldpost::coordinator
