#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/wire/body.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"

/// Bodies for tests.
namespace fieldpost::test {

/// So many bytes, other ones for each `seed`.
[[nodiscard]] inline std::string body_bytes(std::uint64_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (char& byte : bytes) {
    state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

[[nodiscard]] inline std::vector<wire::Fragment> fragments_of(const std::string& bytes) {
  std::vector<wire::Fragment> out;
  for (std::uint64_t at = 0; at < bytes.size(); at += wire::kFragmentBytes) {
    out.push_back({wire::sha256(bytes), bytes.size(), "image/jpeg", at,
                   bytes.substr(at, wire::kFragmentBytes)});
  }
  return out;
}

[[nodiscard]] inline wire::Record fragment_record(const wire::Fragment& fragment) {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kFragment);
  record.payload = wire::encode(fragment);
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  return record;
}

}  // namespace fieldpost::test
