#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::cli {

/// Columns for a terminal. Numbers to the right, words to the left.
class TextTable {
 public:
  enum class Align : std::uint8_t { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row);  ///< as many cells as there are columns
  /// Lines with the titles first, without trailing spaces. Control characters become "?".
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace fieldpost::cli
