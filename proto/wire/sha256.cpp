#include "proto/wire/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "proto/rt/result.h"

namespace fieldpost::wire {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Context make_context() {
  Context context(EVP_MD_CTX_new());
  FP_CHECK(context != nullptr);
  return context;
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
  FP_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.value.data(), nullptr, EVP_sha256(),
                      nullptr) == 1);
  return digest;
}

struct Sha256::State {
  Context context = make_context();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  FP_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  FP_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::digest() const {
  const Context copy = make_context();
  Sha256Digest digest;
  FP_CHECK(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1);
  FP_CHECK(EVP_DigestFinal_ex(copy.get(), digest.value.data(), nullptr) == 1);
  return digest;
}

}  // namespace fieldpost::wire
