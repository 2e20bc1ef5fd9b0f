#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "proto/wire/codec_ints.h"
#include "proto/wire/readings.h"

/// The values of one column by type ([codec-8] to [codec-10]).
namespace fieldpost::wire::codec {

class ValuesEncoder {
 public:
  void encode(const Column& column, ValueType type, Sinks& out);
  void encode_ints(std::span<const std::uint64_t> values, Sinks& out) { ints_.encode(values, out); }

 private:
  struct Exception {
    std::size_t position = 0;
    std::uint64_t difference = 0;  ///< of the bits
  };

  void encode_floats(std::span<const std::uint64_t> values, Sinks& out);
  [[nodiscard]] bool scale_to(std::span<const std::uint64_t> values, unsigned scale);
  void encode_strings(const Column& column, Sinks& out);

  IntsEncoder ints_;
  std::vector<std::uint64_t> scaled_;
  std::vector<Exception> exceptions_;
};

/// Fills a column whose `values` have their size already; at least one. `strings_left` is what the
/// payload's dictionaries may still hold.
void take_values(ByteReader& heads, ByteReader& bodies, ValueType type, std::size_t& strings_left,
                 Column& column);

}  // namespace fieldpost::wire::codec
