#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

using CsvRow = std::vector<std::string>;

/// Rows of a CSV file (RFC 4180; line ends of any kind, empty lines are none), from its beginning.
class CsvReader {
 public:
  static constexpr std::size_t kRowBytesMax = 4 << 20;
  static constexpr std::size_t kFieldsMax = 4096;

  CsvReader(rt::Files& files, std::string path, char delimiter);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  /// The next row; false at the end. kInvalid: a quote is where none may be, or a row is too long.
  /// Then each further call fails.
  rt::Result<bool> next(CsvRow& row);
  /// How much of the file was read, 0 to 1.
  [[nodiscard]] double part() const;

 private:
  struct Parser;
  rt::Status read_on();

  rt::Files& files_;
  std::string path_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace fieldpost::coordinator
