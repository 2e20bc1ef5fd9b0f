#include "agent/spool/stamped_lines.h"

#include <limits>
#include <utility>

namespace fieldpost::agent {
namespace {

/// Some of the readings of a column. Strings are numbered anew.
class ColumnPart {
 public:
  explicit ColumnPart(const wire::Column& from)
      : from_(from), places_(from.strings.size(), kNowhere) {}

  void add(std::size_t i) {
    out_.times.push_back(from_.times[i]);
    out_.values.push_back(places_.empty() ? from_.values[i] : place_of(from_.values[i]));
  }
  [[nodiscard]] wire::Column take() && { return std::move(out_); }

 private:
  static constexpr std::uint64_t kNowhere = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t place_of(std::uint64_t index) {
    std::uint64_t& place = places_[static_cast<std::size_t>(index)];
    if (place == kNowhere) {
      place = out_.strings.size();
      out_.strings.push_back(from_.strings[static_cast<std::size_t>(index)]);
    }
    return place;
  }

  const wire::Column& from_;
  std::vector<std::uint64_t> places_;  ///< of the strings, in the part
  wire::Column out_;
};

void add_column(wire::ParsedLines& to, const std::string& key, wire::ValueType type,
                wire::Column column) {
  if (column.count() == 0) return;
  to.keys.push_back(key);
  to.types.push_back(type);
  to.readings += column.count();
  for (const std::string& text : column.strings) to.string_bytes += text.size();
  to.columns.push_back(std::move(column));
}

}  // namespace

wire::ParsedLines take_stamped(wire::ParsedLines& lines) {
  wire::ParsedLines own, stamped;
  for (std::size_t c = 0; c < lines.columns.size(); ++c) {
    const wire::Column& column = lines.columns[c];
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

}  // namespace fieldpost::agent
