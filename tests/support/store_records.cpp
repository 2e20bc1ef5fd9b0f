#include "tests/support/store_records.h"

#include "proto/wire/readings_codec.h"

namespace fieldpost::test {

wire::Name name(std::uint64_t seq) {
  return {kStoreIncarnation, seq};
}

const wire::SeriesSet& sample_set() {
  static const wire::SeriesSet kSet = *wire::SeriesSet::make({"m v i"});
  return kSet;
}

wire::Record readings_record(std::uint32_t count, std::int64_t first_time,
                             const std::vector<From>& from) {
  wire::Columns columns;
  columns.columns.resize(1);
  for (std::uint32_t i = 0; i < count; ++i) {
    columns.columns[0].times.push_back(first_time + i);
    columns.columns[0].values.push_back(i);
  }
  if (!from.empty()) columns.origin_runs.resize(1);
  for (const From& each : from) {
    columns.origin_runs[0].push_back(
        {static_cast<std::uint32_t>(columns.origins.size()), each.count});
    columns.origins.push_back(name(each.seq));
  }
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kReadings);
  record.payload = wire::encode_columns(columns, sample_set().types);
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  record.readings = count;
  record.set = sample_set().hash;
  record.first_time = first_time;
  record.last_time = first_time + count - 1;
  return record;
}

coordinator::Arrival arrival(std::uint64_t seq, const wire::Record& record) {
  coordinator::Arrival out;
  out.node = "n1";
  out.envelope.name = name(seq);
  out.envelope.record = wire::encode(record);
  return out;
}

}  // namespace fieldpost::test
