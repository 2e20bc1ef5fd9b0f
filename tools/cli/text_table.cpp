#include "tools/cli/text_table.h"

#include <algorithm>
#include <cstdint>

#include "proto/rt/result.h"

namespace fieldpost::cli {
namespace {

constexpr std::size_t kBetween = 2;

/// Code points: right for what sensors are called.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<std::uint8_t>(c) & 0xc0) != 0x80;
  }));
}

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<std::uint8_t>(c) < ' ' || c == '\x7f') c = '?';
  }
  return text;
}

}  // namespace

void TextTable::add(std::vector<std::string> row) {
  FP_CHECK(row.size() == columns_.size());
  for (std::string& cell : row) cell = printable(std::move(cell));
  rows_.push_back(std::move(row));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width_of(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, width_of(row[i]));
    widths.push_back(widest);
  }
  std::string out;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string fill(widths[i] - width_of(cell), ' ');
      line += columns_[i].align == Align::kRight ? fill + cell : cell + fill;
      line.append(kBetween, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  add_line([&](std::size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) -> const std::string& { return row[i]; });
  }
  return out;
}

}  // namespace fieldpost::cli
