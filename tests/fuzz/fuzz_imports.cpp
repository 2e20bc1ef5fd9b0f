// Any bytes are brought in or refused, whatever they are said to be, and so are any documents of an
// export. The first byte says what they are said to be.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/imports/import_run.h"
#include "coordinator/imports/study_archive.h"
#include "proto/wire/readings_codec.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kStepsMax = 1000;

ImportRequest request_of(std::uint8_t kind, std::string_view bytes) {
  ImportRequest request;
  request.size = bytes.size();
  request.sha256 = wire::sha256(bytes);
  constexpr ImportFormat kFormats[] = {ImportFormat::kArchive, ImportFormat::kParquet,
                                       ImportFormat::kCsv, ImportFormat::kJsonLines,
                                       ImportFormat::kLineProtocol};
  request.format = kFormats[kind % std::size(kFormats)];
  if (request.format == ImportFormat::kLineProtocol) {
    request.node = "n";
    request.node_from = "host";
  }
  if (request.format == ImportFormat::kCsv && kind >= 128) {
    request.node = "n";
    request.mapping_text =
        R"({"measurement":"m","fields":{"f":"b"},"tag_pointers":{"t":"c"},"time_pointer":"a"})";
    request.columns = {"a", "b", "c"};
    request.mapping = mapping::JsonMapping{};
  }
  return request;
}

/// What is stored can be read.
void check(const ImportStep& step) {
  for (const ImportedReadings& each : step.readings) {
    const wire::Record& record = each.encoded.record;
    const auto raw = wire::decompress(record.payload, record.codec, record.raw_size);
    FP_CHECK(raw.has_value());
    const auto columns = wire::decode_columns(*raw, each.encoded.set->types);
    FP_CHECK(columns.has_value() && columns->readings() == record.readings);
  }
}

void bring_in(std::uint8_t kind, std::string_view bytes) {
  if (bytes.empty()) return;
  sim::SimWorld world(1);
  const sim::SimWallClock clock(world, "centre");
  sim::SimDisk disk;
  disk.set_bytes_max((std::uint64_t{1} << 30U) + (64U << 20U));  // what must stay free, and some
  sim::SimFiles files(disk);
  FP_CHECK(files.write_at("/f", 0, bytes, 0600).has_value());
  ImportRow row;
  row.request = encode(request_of(kind, bytes));
  ImportRun run(files, clock, row, "/f");
  for (int i = 0; i < kStepsMax; ++i) {
    const auto work = run.step();
    if (!work || work->is_last) return;
    check(work->step);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  bring_in(data[0], bytes);
  (void)parse_manifest(bytes);
  const std::size_t middle = std::min(bytes.find('\n'), bytes.size());
  (void)parse_study(bytes.substr(0, middle), bytes.substr(middle));
  (void)parse_entry(bytes);
  if (const auto request = decode_import_request(bytes)) {
    const auto again = decode_import_request(encode(*request));
    FP_CHECK(again.has_value() && import_id(*again) == import_id(*request));
  }
  return 0;
}
