#include "coordinator/parquet/text_dictionary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "coordinator/parquet/limits.h"

namespace fieldpost::coordinator::parquet {

void put_plain_text(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  char bytes[sizeof size];
  std::memcpy(bytes, &size, sizeof size);
  out.append(bytes, sizeof size);
  out.append(text);
}

std::optional<std::uint32_t> TextDictionary::index_of(std::string_view text) {
  if (const auto known = indices_.find(text); known != indices_.end()) return known->second;
  if (indices_.size() >= kDictionaryTexts || plain_.size() + text.size() > kDictionaryBytes) {
    return std::nullopt;
  }
  const auto index = static_cast<std::uint32_t>(indices_.size());
  indices_.emplace(text, index);
  put_plain_text(plain_, text);
  return index;
}

unsigned TextDictionary::index_bits() const {
  const std::size_t largest = std::max<std::size_t>(size(), 2) - 1;
  return static_cast<unsigned>(std::bit_width(largest));
}

void TextDictionary::clear() {
  indices_.clear();
  plain_.clear();
}

}  // namespace fieldpost::coordinator::parquet
