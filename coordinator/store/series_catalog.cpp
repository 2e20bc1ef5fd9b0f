#include "coordinator/store/series_catalog.h"

#include <fmt/format.h>

#include <bit>
#include <string>

#include "coordinator/store/file_fault.h"
#include "coordinator/store/u64_array.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;

namespace {

// Beside the keys' own characters, about.
constexpr std::size_t kBytesPerSet = 512;
constexpr std::size_t kBytesPerKey = 48;
constexpr std::size_t kBytesPerIds = 160;

}  // namespace

rt::Result<SetPtr> SeriesCatalog::remember(std::int64_t no, std::string_view bytes) {
  auto set = wire::SeriesSet::decode(bytes);
  if (!set) {
    return Error{Errc::kCorrupt, fmt::format("reading series set {}: {}", no, set.error().message)};
  }
  const std::size_t size = kBytesPerSet + kBytesPerKey * set->keys.size() + bytes.size();
  if (set_bytes_ + size > limits_.set_bytes_max) {
    sets_.clear();
    set_nos_.clear();
    set_bytes_ = 0;
  }
  set_bytes_ += size;
  auto shared = std::make_shared<const wire::SeriesSet>(std::move(*set));
  sets_[no] = shared;
  set_nos_[shared->hash] = no;
  return SetPtr(shared);
}

rt::Result<SetPtr> SeriesCatalog::find_set(const wire::Hash128& hash) {
  if (auto known = set_nos_.find(hash); known != set_nos_.end()) return sets_.at(known->second);
  rt::Statement& stmt = db_.prepare("SELECT no, bytes FROM series_set WHERE hash = ?");
  const std::string key = hash.bytes();
  const auto row = stmt.bind_blob(1, key).step();
  if (!row) return file_fault(row.error());
  if (!*row) return Error{Errc::kNotFound, fmt::format("no series set {}", hash.hex())};
  auto set = remember(stmt.i64(0), stmt.blob(1));
  stmt.reset();
  return set;
}

rt::Result<SetPtr> SeriesCatalog::find_set(std::int64_t set_no) {
  if (auto known = sets_.find(set_no); known != sets_.end()) return known->second;
  rt::Statement& stmt = db_.prepare("SELECT bytes FROM series_set WHERE no = ?");
  const auto row = stmt.bind(1, set_no).step();
  if (!row) return file_fault(row.error());
  if (!*row) return Error{Errc::kNotFound, fmt::format("no series set {}", set_no)};
  auto set = remember(set_no, stmt.blob(0));
  stmt.reset();
  return set;
}

rt::Status SeriesCatalog::insert_set(const wire::SeriesSet& set) {
  const std::string hash = set.hash.bytes();
  const std::string bytes = set.encode();
  return db_.prepare("INSERT OR IGNORE INTO series_set (hash, bytes) VALUES (?, ?)")
      .bind_blob(1, hash)
      .bind_blob(2, bytes)
      .run();
}

rt::Result<SetPtr> SeriesCatalog::add_set(std::string_view bytes) {
  auto set = wire::SeriesSet::decode(bytes);
  if (!set) return set.error();
  if (auto known = set_nos_.find(set->hash); known != set_nos_.end()) {
    return sets_.at(known->second);
  }
  if (auto done = insert_set(*set); !done) return file_fault(done.error());
  return find_set(set->hash);
}

rt::Result<std::int64_t> SeriesCatalog::set_no(const wire::SeriesSet& set) {
  if (auto known = set_nos_.find(set.hash); known != set_nos_.end()) return known->second;
  if (auto done = insert_set(set); !done) return done.error();
  if (auto found = find_set(set.hash); !found) return found.error();
  return set_nos_.at(set.hash);
}

rt::Result<SeriesIds> SeriesCatalog::find_ids(NodeNo node, std::int64_t set_no) {
  if (auto known = ids_.find({node, set_no}); known != ids_.end()) return known->second;
  rt::Statement& stmt = db_.prepare("SELECT ids FROM node_set WHERE node_no = ? AND set_no = ?");
  const auto row = stmt.bind(1, node).bind(2, set_no).step();
  if (!row) return file_fault(row.error());
  if (!*row) {
    return Error{Errc::kNotFound, fmt::format("node {} never used series set {}", node, set_no)};
  }
  const std::string_view bytes = stmt.blob(0);
  auto ids = std::make_shared<std::vector<SeriesId>>(bytes.size() / 8);
  for (std::size_t i = 0; i < ids->size(); ++i) {
    (*ids)[i] = std::bit_cast<SeriesId>(u64_at(bytes, i));
  }
  stmt.reset();
  const std::size_t size = kBytesPerIds + ids->size() * sizeof(SeriesId);
  if (id_bytes_ + size > limits_.id_bytes_max) {
    ids_.clear();
    id_bytes_ = 0;
  }
  id_bytes_ += size;
  return ids_[{node, set_no}] = std::move(ids);
}

rt::Result<SeriesIds> SeriesCatalog::series_of(NodeNo node, const wire::SeriesSet& set) {
  const auto no = set_no(set);
  if (!no) return no.error();
  auto found = find_ids(node, *no);
  if (found || found.error().code != Errc::kNotFound) return found;
  return make_ids(node, *no, set);
}

rt::Result<SeriesIds> SeriesCatalog::make_ids(NodeNo node, std::int64_t set_no,
                                              const wire::SeriesSet& set) {
  std::string bytes;
  for (std::size_t i = 0; i < set.keys.size(); ++i) {
    const auto id = series_id(node, set.keys[i], set.types[i]);
    if (!id) return id.error();
    append_u64(bytes, std::bit_cast<std::uint64_t>(*id));
  }
  auto done = db_.prepare("INSERT INTO node_set (node_no, set_no, ids) VALUES (?, ?, ?)")
                  .bind(1, node)
                  .bind(2, set_no)
                  .bind_blob(3, bytes)
                  .run();
  if (!done) return done.error();
  return find_ids(node, set_no);
}

rt::Result<SeriesId> SeriesCatalog::series_id(NodeNo node, std::string_view key,
                                              wire::ValueType type) {
  rt::Statement& find = db_.prepare("SELECT id FROM series WHERE node_no = ? AND key = ?");
  const auto row = find.bind(1, node).bind_text(2, key).step();
  if (!row) return row.error();
  if (*row) {
    const SeriesId id = find.i64(0);
    find.reset();
    return id;
  }
  auto done = db_.prepare("INSERT INTO series (node_no, key, type) VALUES (?, ?, ?)")
                  .bind(1, node)
                  .bind_text(2, key)
                  .bind(3, static_cast<int>(type))
                  .run();
  if (!done) return done.error();
  return db_.last_insert_rowid();
}

void SeriesCatalog::forget() {
  sets_.clear();
  set_nos_.clear();
  ids_.clear();
  set_bytes_ = 0;
  id_bytes_ = 0;
}

}  // namespace fieldpost::coordinator
