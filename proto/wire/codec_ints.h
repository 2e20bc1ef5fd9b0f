#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/wire/codec_bytes.h"

/// A sequence of 64-bit integers, in wrap-around arithmetic, so every pattern survives ([codec-5]).
/// Times, integers, scaled decimals and string indices all go this way.
namespace fieldpost::wire::codec {

class IntsEncoder {
 public:
  void encode(std::span<const std::uint64_t> values, Sinks& out);

 private:
  void measure(std::span<const std::uint64_t> values);
  void choose_order();
  void fill_residuals();
  [[nodiscard]] bool prefers_bytes() const;
  [[nodiscard]] bool repeats() const;

  std::vector<std::uint64_t> steps_;  ///< from value to value, divided
  std::vector<std::uint64_t> residuals_;
  std::string rice_;  ///< the residuals as Rice codes
  std::uint64_t divisor_ = 1;
  std::uint64_t base_ = 0;  ///< order 0: what residuals are relative to
  unsigned order_ = 1;
};

/// Fills `values`, of which there is at least one; fails a reader when the bytes are no such
/// sequence.
void take_ints(ByteReader& heads, ByteReader& bodies, std::span<std::uint64_t> values);

}  // namespace fieldpost::wire::codec
