#include "agent/uplink/byte_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "proto/wire/limits.h"

namespace fieldpost::agent {

namespace {

constexpr rt::Nanos kPauseLeast = rt::Millis(1);

/// Takes a number off the front of the text; nullopt: there is none.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return value;
}

}  // namespace

void ByteBudget::begin_day_if_over(rt::Instant now) {
  if (now - day_began_ < kDay) return;
  day_began_ = now;
  spent_ = spent_noted_ = 0;
}

void ByteBudget::fill(rt::Instant now) {
  const double rate = static_cast<double>(per_second_);
  const double passed = std::chrono::duration<double>(now - filled_at_).count();
  // At most what a second brings, but always enough for one envelope.
  tokens_ = std::min(tokens_ + passed * rate,
                     std::max(rate, static_cast<double>(wire::kEnvelopeBytesMax)));
  filled_at_ = now;
}

rt::Nanos ByteBudget::time_to(std::size_t bytes, rt::Instant now) {
  const rt::Nanos day = exhausted_for(bytes, now).value_or(rt::Nanos(0));
  if (per_second_ == 0) return day;
  fill(now);
  const double lacking = static_cast<double>(bytes) - tokens_;
  if (lacking <= 0) return day;
  const double seconds = lacking / static_cast<double>(per_second_);
  return std::max(day, rt::Nanos(static_cast<std::int64_t>(seconds * 1e9)) + kPauseLeast);
}

void ByteBudget::spend(std::size_t bytes, rt::Instant now) {
  begin_day_if_over(now);
  spent_ += bytes;
  if (per_second_ == 0) return;
  fill(now);
  tokens_ -= static_cast<double>(bytes);
}

std::optional<rt::Nanos> ByteBudget::exhausted_for(std::size_t bytes, rt::Instant now) {
  if (per_day_ == 0) return std::nullopt;
  begin_day_if_over(now);
  if (spent_ + bytes <= per_day_) return std::nullopt;
  return day_began_ + kDay - now;
}

std::optional<std::string> ByteBudget::note(rt::Instant now) {
  if (per_day_ == 0 || !noted_at_) return std::nullopt;
  begin_day_if_over(now);
  const bool much = spent_ - spent_noted_ >= per_day_ / kNoteParts && spent_ > spent_noted_;
  const bool long_ago = now - *noted_at_ >= kNoteEvery;
  if (!much && !long_ago) return std::nullopt;
  spent_noted_ = spent_;
  noted_at_ = now;
  const auto elapsed = std::chrono::duration_cast<rt::Seconds>(now - day_began_).count();
  return fmt::format("{} {}", spent_, elapsed);
}

void ByteBudget::resume(std::string_view note, rt::Instant now) {
  day_began_ = now;
  noted_at_ = now;
  const auto spent = take_number(note);
  const auto elapsed = take_number(note);
  if (!spent || !elapsed || *elapsed >= static_cast<std::uint64_t>(kDay.count())) {
    return;
  }
  spent_ += *spent;
  spent_noted_ = *spent;
  day_began_ = now + -rt::Seconds(static_cast<std::int64_t>(*elapsed));
}

}  // namespace fieldpost::agent
