#include "proto/wire/column_part.h"

namespace fieldpost::wire {

ColumnPart::ColumnPart(const Column& from) : from_(from), places_(from.strings.size(), kNowhere) {}

void ColumnPart::add(std::size_t i) {
  out_.times.push_back(from_.times[i]);
  out_.values.push_back(places_.empty() ? from_.values[i] : place_of(from_.values[i]));
}

std::uint64_t ColumnPart::place_of(std::uint64_t index) {
  std::uint64_t& place = places_[static_cast<std::size_t>(index)];
  if (place == kNowhere) {
    place = out_.strings.size();
    out_.strings.push_back(from_.strings[static_cast<std::size_t>(index)]);
  }
  return place;
}

}  // namespace fieldpost::wire
