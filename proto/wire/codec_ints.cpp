#include "proto/wire/codec_ints.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "proto/wire/codec_rice.h"

namespace fieldpost::wire::codec {
namespace {

enum Form : unsigned { kZeros = 0, kBytes = 1, kRice = 2 };
constexpr unsigned kFormMask = 3;
constexpr unsigned kOrderShift = 2;
constexpr unsigned kOrderMask = 3;
constexpr unsigned kDivided = 1u << 4;
constexpr unsigned kOrderMax = 2;

std::uint64_t magnitude(std::uint64_t step) {
  return (step >> 63) != 0 ? ~step + 1 : step;
}

std::uint64_t divide(std::uint64_t step, std::uint64_t divisor) {
  const std::uint64_t quotient = magnitude(step) / divisor;
  return (step >> 63) != 0 ? ~quotient + 1 : quotient;
}

/// The greatest common divisor of the steps, or 1 when saying it costs more than it saves.
std::uint64_t worthwhile_divisor(std::span<const std::uint64_t> steps) {
  std::uint64_t divisor = 0;
  std::uint64_t last = 0;
  for (const std::uint64_t step : steps) {
    if (step == last) continue;
    divisor = std::gcd(divisor, magnitude(step));
    if (divisor == 1) return 1;
    last = step;
  }
  if (divisor == 0) return 1;
  const auto saved = static_cast<std::size_t>(std::bit_width(divisor) - 1) * steps.size();
  return saved > 8 * varint_size(divisor) ? divisor : 1;
}

std::size_t bytes_size(std::span<const std::uint64_t> residuals) {
  std::size_t size = 0;
  for (const std::uint64_t residual : residuals) size += varint_size(residual);
  return size;
}

}  // namespace

void IntsEncoder::measure(std::span<const std::uint64_t> values) {
  steps_.resize(values.size() - 1);
  for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i] = values[i + 1] - values[i];
  divisor_ = worthwhile_divisor(steps_);
  if (divisor_ == 1) return;
  std::uint64_t last = 0;
  std::uint64_t quotient = 0;
  for (std::uint64_t& step : steps_) {
    if (step != last) {
      last = step;
      quotient = divide(step, divisor_);
    }
    step = quotient;
  }
}

/// By the bits that the residuals of each order have.
void IntsEncoder::choose_order() {
  const std::size_t count = steps_.size();
  std::array<std::size_t, kOrderMax + 1> bits = {};
  std::uint64_t level = 0;
  std::uint64_t sum = 0;
  for (const std::uint64_t step : steps_) sum += level += step;
  const auto signed_mean = static_cast<std::int64_t>(sum) / static_cast<std::int64_t>(count + 1);
  base_ = static_cast<std::uint64_t>(signed_mean);
  level = 0;
  std::uint64_t last = 0;
  for (const std::uint64_t step : steps_) {
    level += step;
    bits[0] += static_cast<std::size_t>(std::bit_width(zigzag(level - base_)));
    bits[1] += static_cast<std::size_t>(std::bit_width(zigzag(step)));
    bits[2] += static_cast<std::size_t>(std::bit_width(zigzag(step - last)));
    last = step;
  }
  bits[2] -= static_cast<std::size_t>(std::bit_width(zigzag(steps_[0])));  // it goes into the head
  order_ = 1;
  if (bits[2] + 8 * varint_size(zigzag(steps_[0])) < bits[1]) order_ = 2;
  if (bits[0] + 8 * varint_size(zigzag(base_)) + 8 < bits[order_]) order_ = 0;
}

void IntsEncoder::fill_residuals() {
  residuals_.clear();
  std::uint64_t level = 0;
  switch (order_) {
    case 0:
      residuals_.push_back(zigzag(~base_ + 1));
      for (const std::uint64_t step : steps_) residuals_.push_back(zigzag((level += step) - base_));
      break;
    case 1:
      for (const std::uint64_t step : steps_) residuals_.push_back(zigzag(step));
      break;
    default:
      for (std::size_t i = 1; i < steps_.size(); ++i) {
        residuals_.push_back(zigzag(steps_[i] - steps_[i - 1]));
      }
      break;
  }
}

/// Whether most residuals follow the two before them as they did the last time: then zstd finds
/// more in plain bytes than Rice codes save.
bool IntsEncoder::repeats() const {
  constexpr std::size_t kContexts = 1024;
  constexpr std::size_t kCountMin = 64;
  constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;
  if (residuals_.size() < kCountMin) return false;
  std::array<std::uint64_t, kContexts> follows = {};
  std::size_t guessed = 0;
  std::uint64_t context = 0;
  for (const std::uint64_t residual : residuals_) {
    std::uint64_t& guess = follows[(context * kMix) >> 54];
    guessed += guess == residual ? 1u : 0u;
    guess = residual;
    context = (context << 32) ^ (residual * kMix >> 32);
  }
  return guessed * 4 > residuals_.size() * 3;
}

bool IntsEncoder::prefers_bytes() const {
  constexpr std::size_t kCheapBits = 2;
  if (bytes_size(residuals_) <= rice_.size()) return true;
  return rice_.size() * 8 > residuals_.size() * kCheapBits && repeats();
}

void IntsEncoder::encode(std::span<const std::uint64_t> values, Sinks& out) {
  if (values.size() == 1) return put_varint(out.heads, zigzag(values[0]));
  measure(values);
  choose_order();
  fill_residuals();
  const bool zeros = std::all_of(residuals_.begin(), residuals_.end(),
                                 [](std::uint64_t residual) { return residual == 0; });
  unsigned form = kZeros;
  if (!zeros) {
    rice_.clear();
    put_rice(rice_, residuals_);
    form = prefers_bytes() ? kBytes : kRice;
  }
  const unsigned divided = divisor_ == 1 ? 0 : kDivided;
  out.heads += static_cast<char>(form | order_ << kOrderShift | divided);
  put_varint(out.heads, zigzag(values[0]));
  if (divided != 0) put_varint(out.heads, divisor_);
  if (order_ == 0) put_varint(out.heads, zigzag(base_));
  if (order_ == 2) put_varint(out.heads, zigzag(steps_[0]));
  if (form == kRice) out.bodies += rice_;
  if (form == kBytes) {
    for (const std::uint64_t residual : residuals_) put_varint(out.bodies, residual);
  }
}

namespace {

void take_residuals(unsigned form, ByteReader& bodies, std::span<std::uint64_t> residuals) {
  switch (form) {
    case kZeros: std::fill(residuals.begin(), residuals.end(), 0); return;
    case kBytes:
      for (std::uint64_t& residual : residuals) residual = bodies.varint();
      return;
    case kRice: return take_rice(bodies, residuals);
    default: bodies.fail();
  }
}

/// In place: `values` holds residuals from the index that is the order.
void integrate(unsigned order, std::span<std::uint64_t> values, std::uint64_t divisor,
               std::uint64_t extra) {
  std::uint64_t level = values[0];
  if (order == 1) {
    for (auto& value : values.subspan(1)) value = level += unzigzag(value) * divisor;
    return;
  }
  std::uint64_t step = extra * divisor;
  values[1] = level += step;
  for (auto& value : values.subspan(2)) {
    step += unzigzag(value) * divisor;
    value = level += step;
  }
}

}  // namespace

void take_ints(ByteReader& heads, ByteReader& bodies, std::span<std::uint64_t> values) {
  if (values.size() == 1) {
    values[0] = unzigzag(heads.varint());
    return;
  }
  const unsigned head = heads.byte();
  const unsigned order = (head >> kOrderShift) & kOrderMask;
  const std::uint64_t first = unzigzag(heads.varint());
  const std::uint64_t divisor = (head & kDivided) != 0 ? heads.varint() : 1;
  const std::uint64_t extra = order == 1 ? 0 : unzigzag(heads.varint());
  if (order > kOrderMax || (head >> 5) != 0) heads.fail();
  if (!heads.ok()) return;
  take_residuals(head & kFormMask, bodies, values.subspan(order));
  if (order == 0) {
    for (auto& value : values) value = first + (unzigzag(value) + extra) * divisor;
    if (values[0] != first) heads.fail();
    return;
  }
  values[0] = first;
  integrate(order, values, divisor, extra);
}

}  // namespace fieldpost::wire::codec
