#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::coordinator {

/// A value of a YAML file, with its place in it.
struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kPlain, kQuoted, kList, kMapping };
  struct Key {
    std::string text;
    int line = 0;
    int column = 0;
  };

  Kind kind = Kind::kNull;
  std::string text;             ///< of kPlain and kQuoted
  std::vector<Key> keys;        ///< of kMapping: one for each item, all different
  std::vector<YamlNode> items;  ///< of kList and kMapping
  int line = 0;                 ///< from 1
  int column = 0;

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_list() const { return kind == Kind::kList; }
  [[nodiscard]] bool is_mapping() const { return kind == Kind::kMapping; }
  [[nodiscard]] bool is_scalar() const { return kind == Kind::kPlain || kind == Kind::kQuoted; }
  /// nullptr: no such key.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

}  // namespace fieldpost::coordinator
