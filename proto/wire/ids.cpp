#include "proto/wire/ids.h"

#include <fmt/format.h>

namespace fieldpost::wire {

std::string Id128::hex() const {
  return fmt::format("{:016x}{:016x}", hi, lo);
}

std::optional<Id128> Id128::from_hex(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  std::uint64_t parts[2] = {0, 0};
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (digit < 0) return std::nullopt;
    parts[i / 16] = parts[i / 16] * 16 + static_cast<std::uint64_t>(digit);
  }
  return Id128{parts[0], parts[1]};
}

std::string Id128::bytes() const {
  std::string out(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<char>(hi >> (56 - 8 * i));
    out[8 + i] = static_cast<char>(lo >> (56 - 8 * i));
  }
  return out;
}

Id128 Id128::from_bytes(std::string_view bytes) {
  if (bytes.size() != 16) return {};
  Id128 id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.hi = (id.hi << 8) | static_cast<std::uint8_t>(bytes[i]);
    id.lo = (id.lo << 8) | static_cast<std::uint8_t>(bytes[8 + i]);
  }
  return id;
}

std::string_view to_string(Lane lane) {
  switch (lane) {
    case Lane::kEvent: return "event";
    case Lane::kLive: return "live";
    case Lane::kLog: return "log";
    case Lane::kBackfill: return "backfill";
    case Lane::kBulk: return "bulk";
  }
  return "unknown";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNone: return "none";
    case Verdict::kStored: return "stored";
    case Verdict::kGapped: return "gapped";
    case Verdict::kQuarantined: return "quarantined";
    case Verdict::kRefused: return "refused";
    case Verdict::kConflict: return "conflict";
  }
  return "unknown";
}

}  // namespace fieldpost::wire
