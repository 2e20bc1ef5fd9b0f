#include "proto/wire/codec_frame.h"

#include <algorithm>
#include <unordered_map>

#include "proto/wire/limits.h"

namespace fieldpost::wire::codec {
namespace {

enum Presence : std::uint8_t { kAll = 0, kBitmap = 1, kList = 2 };
constexpr std::uint8_t kPresenceMask = 0x0f;

std::uint64_t hash_of(const std::vector<std::int64_t>& times) {
  constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
  std::uint64_t hash = times.size();
  for (const std::int64_t time : times) {
    hash = (hash ^ static_cast<std::uint64_t>(time)) * kMix;
    hash ^= hash >> 29;
  }
  return hash;
}

std::string bitmap_of(const Columns& columns) {
  std::string bits((columns.columns.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < columns.columns.size(); ++i) {
    if (columns.columns[i].count() == 0) continue;
    bits[i / 8] = static_cast<char>(bits[i / 8] | (1 << (i % 8)));
  }
  return bits;
}

/// Count and gaps.
std::string list_of(const Columns& columns) {
  std::string gaps;
  std::size_t count = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < columns.columns.size(); ++i) {
    if (columns.columns[i].count() == 0) continue;
    put_varint(gaps, i - next);
    next = i + 1;
    ++count;
  }
  std::string out;
  put_varint(out, count);
  return out + gaps;
}

std::vector<std::size_t> take_bitmap(ByteReader& in, std::size_t series) {
  std::vector<std::size_t> present;
  const std::string_view bits = in.take((series + 7) / 8);
  for (std::size_t i = 0; in.ok() && i < bits.size() * 8; ++i) {
    if (((static_cast<std::uint8_t>(bits[i / 8]) >> (i % 8)) & 1) == 0) continue;
    if (i >= series) in.fail();
    present.push_back(i);
  }
  return present;
}

std::vector<std::size_t> take_list(ByteReader& in, std::size_t series) {
  std::vector<std::size_t> present(in.count(series));
  std::size_t next = 0;
  for (std::size_t& index : present) {
    const std::uint64_t gap = in.varint();
    if (gap >= series - next) in.fail();
    if (!in.ok()) return {};
    index = next + static_cast<std::size_t>(gap);
    next = index + 1;
  }
  return present;
}

}  // namespace

void put_presence(std::string& out, const Columns& columns, std::uint8_t flags) {
  const bool all = std::all_of(columns.columns.begin(), columns.columns.end(),
                               [](const Column& column) { return column.count() > 0; });
  if (all) {
    out += static_cast<char>(kAll | flags);
    return;
  }
  const std::string bitmap = bitmap_of(columns);
  const std::string list = list_of(columns);
  const bool listed = list.size() < bitmap.size();
  out += static_cast<char>((listed ? kList : kBitmap) | flags);
  out += listed ? list : bitmap;
}

std::vector<std::size_t> take_presence(ByteReader& in, std::size_t series, std::uint8_t& flags) {
  const std::uint8_t head = in.byte();
  flags = static_cast<std::uint8_t>(head & ~kPresenceMask);
  if ((flags & ~kOrigins) != 0) in.fail();
  switch (head & kPresenceMask) {
    case kAll: {
      std::vector<std::size_t> present(in.ok() ? series : 0);
      for (std::size_t i = 0; i < present.size(); ++i) present[i] = i;
      return present;
    }
    case kBitmap: return take_bitmap(in, series);
    case kList: return take_list(in, series);
    default: in.fail(); return {};
  }
}

TimeRefs find_time_refs(std::span<const Column* const> present,
                        std::vector<const Column*>& firsts) {
  TimeRefs out;
  std::unordered_multimap<std::uint64_t, std::size_t> known;
  const auto find = [&](const Column& column) {
    if (!out.refs.empty() && firsts[out.refs.back()]->times == column.times) return out.refs.back();
    const std::uint64_t hash = hash_of(column.times);
    const auto [first, last] = known.equal_range(hash);
    for (auto at = first; at != last; ++at) {
      if (firsts[at->second]->times == column.times) return at->second;
    }
    known.emplace(hash, firsts.size());
    firsts.push_back(&column);
    out.counts.push_back(column.count());
    return firsts.size() - 1;
  };
  for (const Column* column : present) out.refs.push_back(find(*column));
  return out;
}

void put_time_refs(std::string& out, const TimeRefs& refs) {
  put_varint(out, refs.counts.size());
  for (const std::size_t count : refs.counts) put_varint(out, count);
  if (refs.counts.size() < 2) return;
  std::size_t next = 0;
  for (const std::size_t ref : refs.refs) {
    put_varint(out, ref == next ? 0 : ref + 1);
    if (ref == next) ++next;
  }
}

TimeRefs take_time_refs(ByteReader& in, std::size_t present) {
  TimeRefs out;
  out.counts.resize(in.count(present));
  for (std::size_t& count : out.counts) {
    count = in.count(kRecordReadingsMax);
    if (count == 0) in.fail();
  }
  std::size_t next = std::min<std::size_t>(out.counts.size(), 1);
  out.refs.assign(in.ok() ? present : 0, 0);
  if (out.counts.size() > 1) {
    next = 0;
    for (std::size_t& ref : out.refs) {
      const std::size_t said = in.count(next);
      ref = said == 0 ? next++ : said - 1;
      if (next > out.counts.size()) in.fail();
      if (!in.ok()) return {};
    }
  }
  if (next != out.counts.size() || (present > 0 && out.counts.empty())) in.fail();
  std::size_t readings = 0;
  for (const std::size_t ref : out.refs) readings += in.ok() ? out.counts[ref] : 0;
  if (readings > kRecordReadingsMax) in.fail();
  return out;
}

void put_origins(std::string& out, const Columns& columns) {
  put_varint(out, columns.origins.size());
  Name last;
  for (const Name& name : columns.origins) {
    const bool same = name.incarnation == last.incarnation;
    out += static_cast<char>(same ? 1 : 0);
    if (!same) {
      out += name.incarnation.spool.bytes();
      put_u64(out, name.incarnation.value);
    }
    put_varint(out, zigzag(name.seq - last.seq));
    last = name;
  }
  for (std::size_t i = 0; i < columns.columns.size(); ++i) {
    if (columns.columns[i].count() == 0) continue;
    const auto& runs = columns.origin_runs[i];
    put_varint(out, runs.size());
    for (const OriginRun& run : runs) {
      put_varint(out, run.origin);
      put_varint(out, run.count);
    }
  }
}

namespace {

std::vector<Name> take_names(ByteReader& in) {
  constexpr std::size_t kNameBytesMin = 2;
  const std::size_t most = std::min(kRecordReadingsMax, in.rest().size() / kNameBytesMin);
  std::vector<Name> names(in.count(most));
  Name last;
  for (Name& name : names) {
    const std::uint8_t same = in.byte();
    if (same > 1) in.fail();
    name.incarnation = last.incarnation;
    if (same == 0) name.incarnation = {SpoolId::from_bytes(in.take(16)), in.u64()};
    name.seq = last.seq + unzigzag(in.varint());
    last = name;
  }
  if (names.empty()) in.fail();
  return names;
}

void take_runs(ByteReader& in, std::size_t origins, std::size_t readings,
               std::vector<OriginRun>& runs) {
  runs.resize(in.count(readings));
  for (OriginRun& run : runs) {
    const std::uint64_t origin = in.varint();
    const std::uint64_t count = in.varint();
    if (origin >= origins || count == 0 || count > readings) in.fail();
    if (!in.ok()) return;
    run = {static_cast<std::uint32_t>(origin), static_cast<std::uint32_t>(count)};
    readings -= static_cast<std::size_t>(count);
  }
}

}  // namespace

void take_origins(ByteReader& in, Columns& columns) {
  columns.origins = take_names(in);
  columns.origin_runs.resize(columns.columns.size());
  for (std::size_t i = 0; in.ok() && i < columns.columns.size(); ++i) {
    const std::size_t readings = columns.columns[i].count();
    if (readings > 0) take_runs(in, columns.origins.size(), readings, columns.origin_runs[i]);
  }
}

}  // namespace fieldpost::wire::codec
