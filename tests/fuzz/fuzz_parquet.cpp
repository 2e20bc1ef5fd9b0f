// Any bytes are no Parquet file, or rows that are the same when they are written and read again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/reader.h"
#include "coordinator/parquet/writer.h"
#include "tests/support/parquet_table.h"

namespace parquet = fieldpost::coordinator::parquet;
namespace rt = fieldpost::rt;
using fieldpost::test::Cells;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kRowsMax = 10'000;

/// Of text columns alone: whatever the cells say.
std::string written_again(const Cells& cells) {
  std::vector<parquet::ColumnSpec> columns(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    columns[i] = {.name = std::to_string(i),
                  .kind = parquet::Kind::kText,
                  .nullable = true,
                  .dictionary = i % 2 == 0};
  }
  return fieldpost::test::write_parquet(columns, [&](parquet::Writer& writer) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (const std::string& cell : cells[i]) {
        cell == "null" ? writer.append_nulls(i, 1) : writer.append_text(i, cell);
      }
    }
  });
}

/// A text among the cells stands in quotes.
Cells quoted(Cells cells) {
  for (auto& column : cells) {
    for (std::string& cell : column) {
      if (cell != "null") cell = '"' + cell + '"';
    }
  }
  return cells;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto cells = fieldpost::test::read_cells(file, kRowsMax);
  if (!cells || cells->empty() || cells->size() > 64) return 0;
  const auto again = fieldpost::test::read_cells(written_again(*cells));
  FP_CHECK(again.has_value() && *again == quoted(*cells));
  return 0;
}
