#include "proto/wire/sha256.h"

#include <sodium.h>

#include <algorithm>

namespace fieldpost::wire {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::string Sha256Digest::hex() const {
  std::string out;
  out.reserve(value.size() * 2);
  for (const std::uint8_t byte : value) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 0xf]);
  }
  return out;
}

std::string Sha256Digest::bytes() const {
  return {value.begin(), value.end()};
}

std::optional<Sha256Digest> Sha256Digest::from_bytes(std::string_view bytes) {
  Sha256Digest digest;
  if (bytes.size() != digest.value.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.value.begin());
  return digest;
}

std::optional<Sha256Digest> Sha256Digest::from_hex(std::string_view hex) {
  Sha256Digest digest;
  if (hex.size() != digest.value.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < digest.value.size(); ++i) {
    const std::size_t high = kDigits.find(hex[2 * i]), low = kDigits.find(hex[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    digest.value[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256Digest digest;
  crypto_hash_sha256(digest.value.data(), data_of(bytes), bytes.size());
  return digest;
}

struct Sha256::State {
  crypto_hash_sha256_state hash;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  crypto_hash_sha256_init(&state_->hash);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  crypto_hash_sha256_update(&state_->hash, data_of(bytes), bytes.size());
}

Sha256Digest Sha256::digest() const {
  State copy = *state_;
  Sha256Digest digest;
  crypto_hash_sha256_final(&copy.hash, digest.value.data());
  return digest;
}

}  // namespace fieldpost::wire
