#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The hybrid of run lengths and bit-packed groups of eight (Encodings.md of parquet-format,
/// "RLE"): definition levels and indices into a dictionary.
namespace fieldpost::coordinator::parquet {

/// A sequence of numbers, held as its runs.
class Runs {
 public:
  struct Run {
    std::uint32_t value;
    std::uint32_t count;
  };

  void add(std::uint32_t value, std::uint32_t count) {
    if (!runs_.empty() && runs_.back().value == value) {
      runs_.back().count += count;
    } else {
      runs_.push_back({value, count});
    }
  }
  void clear() { runs_.clear(); }
  [[nodiscard]] const std::vector<Run>& all() const { return runs_; }
  [[nodiscard]] std::size_t size() const { return runs_.size(); }

 private:
  std::vector<Run> runs_;
};

/// Appends the sequence without its length. No value has more than `bit_width` bits, 1 to 32.
void put_hybrid(std::string& out, const Runs& runs, unsigned bit_width);

/// Appends the sequence of zeros and ones as PLAIN booleans: bits from the lowest upwards.
void put_bits(std::string& out, const Runs& runs);

}  // namespace fieldpost::coordinator::parquet
