#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fieldpost::wire {

/// 128 random or hashed bits. Zero means "none".
struct Id128 {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
  auto operator<=>(const Id128&) const = default;
  [[nodiscard]] bool is_zero() const { return hi == 0 && lo == 0; }
  /// 32 lower-case hex digits.
  [[nodiscard]] std::string hex() const;
  /// Of exactly those.
  static std::optional<Id128> from_hex(std::string_view hex);
  /// 16 bytes, big endian; what is stored in SQLite.
  [[nodiscard]] std::string bytes() const;
  /// The inverse of `bytes`; zero unless there are 16 bytes.
  static Id128 from_bytes(std::string_view bytes);
};

using SpoolId = Id128;
using StoreId = Id128;
using Hash128 = Id128;  ///< BLAKE2b with 16 bytes of output (RFC 7693)

/// One incarnation of one spool.
struct IncarnationId {
  SpoolId spool;
  std::uint64_t value = 0;
  auto operator<=>(const IncarnationId&) const = default;
  [[nodiscard]] bool is_none() const { return value == 0; }
};

/// Names one record for ever.
struct Name {
  IncarnationId incarnation;
  std::uint64_t seq = 0;
  auto operator<=>(const Name&) const = default;
};

/// first … last, both included.
struct SeqRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  auto operator<=>(const SeqRange&) const = default;
  [[nodiscard]] std::uint64_t count() const { return last - first + 1; }
};

struct NameRange {
  IncarnationId incarnation;
  SeqRange seqs;
  [[nodiscard]] bool contains(const Name& name) const {
    return name.incarnation == incarnation && seqs.first <= name.seq && name.seq <= seqs.last;
  }
  auto operator<=>(const NameRange&) const = default;
};

/// The order in which a node accepted things; higher wins for one series and time.
struct Rank {
  std::uint64_t ordinal = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const Rank&) const = default;
};

enum class Lane : std::uint8_t { kEvent = 0, kLive = 1, kLog = 2, kBackfill = 3, kBulk = 4 };
inline constexpr int kLaneCount = 5;
[[nodiscard]] std::string_view to_string(Lane lane);  ///< as in the topic

enum class Verdict : std::uint8_t {
  kNone = 0,
  kStored = 1,
  kGapped = 2,
  kQuarantined = 3,
  kRefused = 4,
  kConflict = 5,
};
[[nodiscard]] std::string_view to_string(Verdict verdict);

}  // namespace fieldpost::wire

template <>
struct std::hash<fieldpost::wire::Id128> {
  std::size_t operator()(const fieldpost::wire::Id128& id) const noexcept {
    return static_cast<std::size_t>(id.hi ^ (id.lo * 0x9e3779b97f4a7c15ULL));
  }
};
template <>
struct std::hash<fieldpost::wire::IncarnationId> {
  std::size_t operator()(const fieldpost::wire::IncarnationId& id) const noexcept {
    return std::hash<fieldpost::wire::Id128>{}(id.spool) ^ static_cast<std::size_t>(id.value);
  }
};
