#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/parquet/reader.h"
#include "coordinator/parquet/writer.h"

/// Parquet files in memory, and what is in them as words.
namespace fieldpost::test {

/// Columns of cells: integers and times in decimal, doubles as 16 hexadecimal digits of their bits,
/// booleans as true and false, texts in quotes, null.
using Cells = std::vector<std::vector<std::string>>;

/// A whole file; every step must work.
[[nodiscard]] std::string write_parquet(
    std::vector<coordinator::parquet::ColumnSpec> columns,
    const std::function<void(coordinator::parquet::Writer&)>& fill,
    std::vector<coordinator::parquet::KeyValue> metadata = {});

[[nodiscard]] rt::Result<coordinator::parquet::Reader> open_parquet(std::string_view file);

/// All rows of all readable columns, `rows_max` at most. The file outlives the call.
[[nodiscard]] rt::Result<Cells> read_cells(std::string_view file, std::size_t rows_max = SIZE_MAX);

/// The bits of a double as a cell.
[[nodiscard]] std::string cell(double value);

}  // namespace fieldpost::test
