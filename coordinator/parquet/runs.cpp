#include "coordinator/parquet/runs.h"

#include <algorithm>

#include "proto/wire/codec_bits.h"
#include "proto/wire/codec_bytes.h"

namespace fieldpost::coordinator::parquet {
namespace {

constexpr std::uint32_t kGroup = 8;  // values that are packed together; longer runs are run lengths

/// Gathers what is too short for a run length into whole groups.
class HybridWriter {
 public:
  HybridWriter(std::string& out, unsigned bit_width) : out_(&out), bit_width_(bit_width) {}

  void add(Runs::Run run) {
    if (packed_.size() % kGroup != 0) {
      const auto room = static_cast<std::uint32_t>(kGroup - packed_.size() % kGroup);
      run.count -= pack(run.value, std::min(run.count, room));
    }
    if (run.count < kGroup) {
      pack(run.value, run.count);
      return;
    }
    flush();
    put_run(run);
  }

  /// Only the last group may be filled up.
  void flush() {
    if (packed_.empty()) return;
    const std::size_t groups = (packed_.size() + kGroup - 1) / kGroup;
    packed_.resize(groups * kGroup);
    wire::codec::put_varint(*out_, groups << 1 | 1);
    wire::codec::BitWriter bits(*out_);
    for (const std::uint32_t value : packed_) bits.put(value, bit_width_);
    packed_.clear();
  }

 private:
  std::uint32_t pack(std::uint32_t value, std::uint32_t count) {
    packed_.insert(packed_.end(), count, value);
    return count;
  }

  void put_run(const Runs::Run& run) {
    wire::codec::put_varint(*out_, std::uint64_t{run.count} << 1);
    for (unsigned bits = 0; bits < bit_width_; bits += 8) {
      *out_ += static_cast<char>(run.value >> bits);
    }
  }

  std::string* out_;
  unsigned bit_width_;
  std::vector<std::uint32_t> packed_;
};

}  // namespace

void put_hybrid(std::string& out, const Runs& runs, unsigned bit_width) {
  HybridWriter writer(out, bit_width);
  for (const Runs::Run& run : runs.all()) writer.add(run);
  writer.flush();
}

void put_bits(std::string& out, const Runs& runs) {
  constexpr std::uint32_t kAtOnce = 32;
  wire::codec::BitWriter bits(out);
  for (Runs::Run run : runs.all()) {
    const std::uint64_t pattern = run.value != 0 ? ~std::uint64_t{0} : 0;
    while (run.count > 0) {
      const std::uint32_t count = std::min(run.count, kAtOnce);
      bits.put(wire::codec::low_bits(pattern, count), count);
      run.count -= count;
    }
  }
}

}  // namespace fieldpost::coordinator::parquet
