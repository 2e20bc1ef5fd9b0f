#include "firmware-bridge/protocols/sequence_count.h"

namespace fieldpost::bridge {
namespace {

constexpr unsigned kForwardMax = 0x7fff;
constexpr unsigned kNumbers = 0x10000;

std::uint16_t after(std::uint16_t sequence) {
  return static_cast<std::uint16_t>(sequence + 1);
}

}  // namespace

SequenceCount::Step SequenceCount::take(std::uint16_t sequence) {
  if (!expected_) {
    go_on_behind(sequence);
    return {};
  }
  const auto ahead = static_cast<std::uint16_t>(sequence - *expected_);
  if (ahead <= kForwardMax) {
    const bool is_fresh = ahead > kFreshMax && sequence <= kFreshMax;
    go_on_behind(sequence);
    return is_fresh ? Step{Place::kAnew, 0} : Step{Place::kNext, ahead};
  }
  behind_run_ = behind_run_ > 0 && sequence == behind_next_ ? behind_run_ + 1 : 1;
  behind_next_ = after(sequence);
  const bool is_near = is_little_before(sequence);
  if (is_near && behind_run_ < kBehindRunMax && !interrupted_) return {Place::kBehind, 0};
  go_on_behind(sequence);
  return {Place::kAnew, 0};
}

SequenceCount::Step SequenceCount::take_unordered(std::uint16_t sequence) {
  if (is_little_before(sequence)) return {Place::kLate, 0};
  return take(sequence);
}

bool SequenceCount::is_little_before(std::uint16_t sequence) const {
  if (!expected_) return false;
  const auto ahead = static_cast<std::uint16_t>(sequence - *expected_);
  return ahead > kForwardMax && kNumbers - ahead <= kStepBackMax;
}

void SequenceCount::pass_over(std::uint16_t sequence) {
  if (expected_ == sequence) go_on_behind(sequence);
}

void SequenceCount::go_on_behind(std::uint16_t sequence) {
  expected_ = after(sequence);
  behind_run_ = 0;
  interrupted_ = false;
}

}  // namespace fieldpost::bridge
