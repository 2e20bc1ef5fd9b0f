#include "proto/wire/line_value.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "proto/wire/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {
namespace {

constexpr const char* kNotAValue = "expected a number, a boolean or a string in double quotes";
constexpr const char* kIntegerRange = "integer out of range";
constexpr const char* kFloatRange = "number out of range";
constexpr const char* kTimeRange = "outside the years 1678 to 2262";

/// A double holds every integer up to here.
constexpr std::uint64_t kExactMantissaMax = std::uint64_t{1} << 53;
constexpr int kDigitsMax = 19;  ///< what surely fits 64 bits

/// The powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool at_token_end(const char* at, const char* end) {
  return at == end || ends_token(*at);
}

struct Digits {
  bool negative = false;
  std::uint64_t mantissa = 0;
  int count = 0;     ///< digits before and after the point
  int fraction = 0;  ///< digits after it
  bool point = false;
};

void take_digits(const char*& at, const char* end, Digits& out) {
  const char* const from = at;
  for (; at != end && is_digit(*at); ++at) {
    out.mantissa = out.mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
  }
  out.count += static_cast<int>(std::min<std::ptrdiff_t>(at - from, 1 << 20));
}

Digits take_decimal(const char*& at, const char* end) {
  Digits out;
  out.negative = at != end && *at == '-';
  if (out.negative) ++at;
  take_digits(at, end, out);
  if (at == end || *at != '.') return out;
  out.point = true;
  ++at;
  const int whole = out.count;
  take_digits(at, end, out);
  out.fraction = out.count - whole;
  return out;
}

const char* take_signed(const Digits& digits, FieldValue& out) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (digits.count > kDigitsMax || digits.mantissa > kMax + (digits.negative ? 1 : 0)) {
    return kIntegerRange;
  }
  out = {ValueType::kI64, digits.negative ? ~digits.mantissa + 1 : digits.mantissa, {}};
  return nullptr;
}

const char* take_unsigned(const Digits& digits, std::string_view text, FieldValue& out) {
  if (digits.negative) return "an unsigned integer cannot be negative";
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) return kIntegerRange;
  out = {ValueType::kU64, value, {}};
  return nullptr;
}

/// Whether a number that no double holds is too small rather than too large: its first digit that
/// is not zero stands behind the point once the exponent has moved it.
bool is_tiny(std::string_view text) {
  const std::size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
  const std::string_view digits = text.substr(0, exponent_at);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  const auto magnitude = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  std::int64_t exponent = 0;
  if (exponent_at < text.size()) {
    std::string_view tail = text.substr(exponent_at + 1);
    if (tail.starts_with('+')) tail.remove_prefix(1);
    const auto parsed = std::from_chars(tail.data(), tail.data() + tail.size(), exponent);
    if (parsed.ec != std::errc()) return tail.starts_with('-');
  }
  return exponent < -magnitude;
}

const char* take_any_float(std::string_view text, FieldValue& out) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    if (!is_tiny(text)) return kFloatRange;
    value = text.starts_with('-') ? -0.0 : 0.0;
  } else if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    return kNotAValue;
  }
  out = {ValueType::kF64, std::bit_cast<std::uint64_t>(value), {}};
  return nullptr;
}

const char* take_exponent(const char*& at, const char* end) {
  ++at;
  if (at != end && (*at == '+' || *at == '-')) ++at;
  Digits digits;
  take_digits(at, end, digits);
  return digits.count == 0 || !at_token_end(at, end) ? kNotAValue : nullptr;
}

const char* take_float(const char* from, const char*& at, const char* end, const Digits& digits,
                       FieldValue& out) {
  if (at_token_end(at, end) && digits.count <= kDigitsMax && digits.mantissa <= kExactMantissaMax &&
      digits.fraction < static_cast<int>(kPowersOfTen.size())) {
    // Both operands are exact, so the quotient is the double nearest to the decimal.
    const double value = static_cast<double>(digits.mantissa) /
                         kPowersOfTen[static_cast<std::size_t>(digits.fraction)];
    out = {ValueType::kF64, std::bit_cast<std::uint64_t>(digits.negative ? -value : value), {}};
    return nullptr;
  }
  if (!at_token_end(at, end)) {
    if (*at != 'e' && *at != 'E') return kNotAValue;
    if (const char* fault = take_exponent(at, end)) return fault;
  }
  return take_any_float({from, static_cast<std::size_t>(at - from)}, out);
}

const char* take_number(const char*& at, const char* end, FieldValue& out) {
  const char* const from = at;
  const Digits digits = take_decimal(at, end);
  if (digits.count == 0) return kNotAValue;
  const bool suffixed = at != end && (*at == 'i' || *at == 'u');
  if (!suffixed) return take_float(from, at, end, digits, out);
  const bool is_signed = *at == 'i';
  const std::string_view text(from, static_cast<std::size_t>(at - from));
  ++at;
  if (digits.point || !at_token_end(at, end)) return kNotAValue;
  return is_signed ? take_signed(digits, out) : take_unsigned(digits, text, out);
}

const char* take_bool(const char*& at, const char* end, FieldValue& out) {
  const char* const from = at;
  while (!at_token_end(at, end)) ++at;
  const std::string_view text(from, static_cast<std::size_t>(at - from));
  constexpr std::array<std::string_view, 5> kTrue = {"t", "T", "true", "True", "TRUE"};
  constexpr std::array<std::string_view, 5> kFalse = {"f", "F", "false", "False", "FALSE"};
  const bool is_true = std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end();
  if (!is_true && std::find(kFalse.begin(), kFalse.end(), text) == kFalse.end()) {
    return kNotAValue;
  }
  out = {ValueType::kBool, is_true ? std::uint64_t{1} : 0, {}};
  return nullptr;
}

/// On failure `at` stays at the opening quote, so that the lines after it are looked at.
const char* take_string(const char*& at, const char* end, FieldValue& out) {
  const char* const from = at + 1;
  const auto room = static_cast<std::size_t>(end - from);
  const char* const last = from + std::min(room, kStringValueBytesMax + 1);
  const char* close = from;
  for (; close != last && *close != '"'; ++close) {
    if (*close == '\\' && close + 1 != last && (close[1] == '"' || close[1] == '\\')) ++close;
  }
  if (close == last) {
    return last == end ? "expected a closing double quote" : "string longer than 65536 bytes";
  }
  out = {ValueType::kString, 0, {from, static_cast<std::size_t>(close - from)}};
  if (!is_utf8(out.text)) return "string is not UTF-8";
  at = close + 1;
  return at_token_end(at, end) ? nullptr : "expected a comma, a space or the end of the line";
}

constexpr std::int64_t nanos_of(Precision precision) {
  switch (precision) {
    case Precision::kNs: return 1;
    case Precision::kUs: return 1'000;
    case Precision::kMs: return 1'000'000;
    case Precision::kS: return 1'000'000'000;
    case Precision::kMinute: return 60'000'000'000;
    case Precision::kHour: return 3'600'000'000'000;
  }
  return 1;
}

/// Eight digits at once; false when one of them is none.
bool take_eight_digits(const char* at, std::uint64_t& value) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  const std::uint64_t high = word & 0xf0f0f0f0f0f0f0f0;
  const std::uint64_t carried = (word + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0;
  if (high != 0x3030303030303030 || carried != 0x3030303030303030) return false;
  word &= 0x0f0f0f0f0f0f0f0f;
  word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ff;    // pairs
  word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffff;  // fours
  value = value * 100'000'000 + ((word * 10'000 + (word >> 32)) & 0xffffffff);
  return true;
}

}  // namespace

const char* take_value(const char*& at, const char* end, FieldValue& out) {
  if (at == end || ends_token(*at)) return "expected a value";
  if (*at == '"') return take_string(at, end, out);
  if (is_digit(*at) || *at == '-' || *at == '.') return take_number(at, end, out);
  return take_bool(at, end, out);
}

const char* take_time(const char*& at, const char* end, Precision precision, std::int64_t& ns) {
  Digits digits;
  digits.negative = *at == '-';
  if (digits.negative) ++at;
  while (end - at >= 8 && digits.count < 16 && take_eight_digits(at, digits.mantissa)) {
    at += 8;
    digits.count += 8;
  }
  take_digits(at, end, digits);
  if (digits.count == 0 || !at_token_end(at, end)) return "expected an integer";
  FieldValue value;
  if (take_signed(digits, value) != nullptr) return kTimeRange;
  const auto units = static_cast<std::int64_t>(value.bits);
  return __builtin_mul_overflow(units, nanos_of(precision), &ns) ? kTimeRange : nullptr;
}

void unescape_string(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escapes =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escapes) ++i;
    out += text[i];
  }
}

rt::Result<Precision> parse_precision(std::string_view text) {
  if (text.empty() || text == "n" || text == "ns") return Precision::kNs;
  if (text == "u" || text == "us" || text == "\xc2\xb5") return Precision::kUs;
  if (text == "ms") return Precision::kMs;
  if (text == "s") return Precision::kS;
  if (text == "m") return Precision::kMinute;
  if (text == "h") return Precision::kHour;
  return rt::Error{rt::Errc::kInvalid,
                   "precision " + quoted(text) + ": expected n, ns, u, us, ms, s, m or h"};
}

}  // namespace fieldpost::wire
