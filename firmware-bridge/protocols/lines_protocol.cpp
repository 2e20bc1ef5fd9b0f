#include "firmware-bridge/protocols/lines_protocol.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::bridge {

LinesProtocol::LinesProtocol(std::unique_ptr<LineFormat> format, Units units)
    : format_(std::move(format)), units_(std::move(units)) {}

void LinesProtocol::feed(std::string_view bytes, std::int64_t arrived, Heard& heard) {
  counts_.bytes += bytes.size();
  read(bytes, false, arrived, heard);
}

void LinesProtocol::take_message(std::string_view bytes, std::int64_t arrived, Heard& heard) {
  counts_.bytes += bytes.size();
  LineFound found;
  if (format_->take_whole(bytes, found)) return accept(std::move(found), heard);
  read(bytes, true, arrived, heard);
}

void LinesProtocol::restart() {
  lines_.forget();
  format_->restart();
}

void LinesProtocol::read(std::string_view bytes, bool is_whole, std::int64_t arrived,
                         Heard& heard) {
  const std::uint64_t too_long = lines_.too_long();
  const auto on_line = [&](std::string_view line) { take(line, arrived, heard); };
  lines_.feed(bytes, on_line);
  if (is_whole) lines_.finish(on_line);
  if (lines_.too_long() == too_long) return;
  counts_.bad += lines_.too_long() - too_long;
  set_why_bad(heard, fmt::format("a line of more than {} bytes", kLineBytesMax));
}

void LinesProtocol::take(std::string_view line, std::int64_t arrived, Heard& heard) {
  if (line.find_first_not_of(" \t") == std::string_view::npos) return;
  LineFound found;
  const auto taken = format_->take(line, arrived, found);
  if (found.has_debris) {
    counts_.bad += 1;
    set_why_bad(heard, "a piece of a line");
  }
  if (!taken) {
    (taken.error().code == rt::Errc::kCorrupt ? counts_.bad_checksum : counts_.bad) += 1;
    set_why_bad(heard, taken.error().message);
  } else if (*taken) {
    accept(std::move(found), heard);
  }
}

void LinesProtocol::accept(LineFound found, Heard& heard) {
  bool is_good = true;
  for (Measured& each : found.readings) {
    is_good = add_reading(heard, std::move(each), units_) && is_good;
  }
  (is_good ? counts_.good : counts_.bad) += 1;
  if (found.clock) heard.clock = found.clock;
}

}  // namespace fieldpost::bridge
