#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fieldpost::coordinator::parquet {

/// Appends a text as PLAIN does: its length in four bytes, then its bytes.
void put_plain_text(std::string& out, std::string_view text);

/// The distinct texts of a column chunk, numbered as they come.
class TextDictionary {
 public:
  /// The index of `text`, new or not; nothing when it is new and there is no room for it.
  [[nodiscard]] std::optional<std::uint32_t> index_of(std::string_view text);
  [[nodiscard]] std::size_t size() const { return indices_.size(); }
  /// Of the largest index; at least one, for not every reader takes none.
  [[nodiscard]] unsigned index_bits() const;
  /// All texts as PLAIN, in the order of their indices.
  [[nodiscard]] const std::string& plain() const { return plain_; }
  void clear();

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> indices_;
  std::string plain_;
};

}  // namespace fieldpost::coordinator::parquet
