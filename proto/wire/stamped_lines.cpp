#include "proto/wire/stamped_lines.h"

#include <utility>

#include "proto/wire/column_part.h"

namespace fieldpost::wire {
namespace {

void add_column(ParsedLines& to, const std::string& key, ValueType type, Column column) {
  if (column.count() == 0) return;
  to.keys.push_back(key);
  to.types.push_back(type);
  to.readings += column.count();
  for (const std::string& text : column.strings) to.string_bytes += text.size();
  to.columns.push_back(std::move(column));
}

}  // namespace

ParsedLines take_stamped(ParsedLines& lines) {
  ParsedLines own, stamped;
  for (std::size_t c = 0; c < lines.columns.size(); ++c) {
    const Column& column = lines.columns[c];
    ColumnPart with_own(column), with_stamp(column);
    for (std::size_t i = 0; i < column.count(); ++i) {
      (column.times[i] == lines.stamp_ns ? with_stamp : with_own).add(i);
    }
    add_column(own, lines.keys[c], lines.types[c], std::move(with_own).take());
    add_column(stamped, lines.keys[c], lines.types[c], std::move(with_stamp).take());
  }
  own.errors = std::move(lines.errors);
  own.lines_stored = lines.lines_stored;
  own.lines_bad = lines.lines_bad;
  stamped.stamp_ns = lines.stamp_ns;
  stamped.readings_stamped = stamped.readings;
  lines = std::move(own);
  return stamped;
}

}  // namespace fieldpost::wire
