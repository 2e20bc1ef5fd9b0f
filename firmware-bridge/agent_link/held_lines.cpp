#include "firmware-bridge/agent_link/held_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "proto/wire/limits.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/names.h"

namespace fieldpost::bridge {
namespace {

constexpr std::size_t kLineBytesMax = 72 * 1024;  ///< longer ones end the agent's connection
constexpr std::size_t kTimeBytes = 22;            ///< a space, 20 digits with a sign, a line feed
constexpr std::size_t kUnitLineBytes = 8;         ///< "#unit ", a space, a line feed

rt::Error unsayable(const wire::SeriesKey& key, std::string_view why) {
  return {rt::Errc::kInvalid, fmt::format("reading {} {}: {}", wire::quoted(key.measurement),
                                          wire::quoted(key.field), why)};
}

/// Empty: a line can say it.
std::string_view why_not(const mapping::DeviceValue& value) {
  using wire::ValueType;
  if (value.type == ValueType::kF64) {
    return std::isfinite(std::bit_cast<double>(value.bits)) ? "" : "its value is no number";
  }
  if (value.type != ValueType::kString) return "";
  if (value.text.size() > wire::kStringValueBytesMax) return "its text is too long";
  if (!wire::is_utf8(value.text)) return "its text is not UTF-8";
  return value.text.find('\n') == std::string::npos ? "" : "its text has a line feed";
}

}  // namespace

rt::Result<HeldLine> make_held_line(Measured reading) {
  wire::SeriesKey& key = reading.key;
  key.type = reading.value.type;
  if (const std::string_view why = why_not(reading.value); !why.empty()) return unsayable(key, why);
  if (auto valid = wire::SeriesKey::parse(key.text()); !valid) return valid.error();
  // The parser takes such a line for a comment, or passes over the tabulator.
  if (key.measurement.starts_with('#') || key.measurement.starts_with('\t')) {
    return unsayable(key, "no measurement begins with \"#\" or a tabulator");
  }
  HeldLine line;
  line.text = wire::format_line(key, std::nullopt, reading.value.bits,
                                std::string_view(reading.value.text));
  line.name_bytes = wire::format_line_name(key).size();
  line.unit = std::move(key.unit);
  line.time = reading.time;
  if (line.text.size() + kTimeBytes > kLineBytesMax) return unsayable(key, "its line is too long");
  return line;
}

std::size_t HeldLine::sent_bytes() const {
  return text.size() + kTimeBytes + kUnitLineBytes + name_bytes + unit.size();
}

std::size_t HeldLine::held_bytes() const {
  return sizeof(HeldLine) + text.size() + unit.size() + name_bytes;  // that is in `untimed`, too
}

void HeldLines::add(HeldLine line) {
  const std::string name = line.time ? std::string() : std::string(line.name());
  if (!batches_.empty()) {
    HeldBatch& last = batches_.back();
    last.closed =
        last.closed || last.bytes + line.sent_bytes() > kBatchBytes || last.untimed.contains(name);
  }
  if (batches_.empty() || batches_.back().closed) {
    batches_.emplace_back();
    batches_.back().begun = line.arrived;
    bytes_ += sizeof(HeldBatch);
  }
  HeldBatch& batch = batches_.back();
  if (!name.empty()) batch.untimed.insert(name);
  batch.bytes += line.sent_bytes();
  bytes_ += line.held_bytes();
  count_ += 1;
  line.offer->open += 1;
  batch.lines.push_back(std::move(line));
}

HeldBatch* HeldLines::next() {
  const auto found =
      std::ranges::find_if(batches_, [](const HeldBatch& batch) { return !batch.sent; });
  return found == batches_.end() ? nullptr : &*found;
}

void HeldLines::settle(HeldBatch& batch,
                       const std::function<std::optional<rt::Error>(const HeldLine&)>& why_lost) {
  for (const HeldLine& line : batch.lines) {
    bytes_ -= line.held_bytes();
    count_ -= 1;
    auto why = why_lost(line);
    if (why && !line.offer->failure) line.offer->failure = std::move(why);
    close_one(line.offer);
  }
  bytes_ -= sizeof(HeldBatch);
  batches_.erase(
      std::ranges::find_if(batches_, [&batch](const HeldBatch& each) { return &each == &batch; }));
}

std::size_t HeldLines::shed() {
  std::size_t lost = 0;
  while (bytes_ > kBytesMax) {
    HeldBatch* const oldest = next();
    if (oldest == nullptr) break;
    lost += oldest->lines.size();
    settle(*oldest, [](const HeldLine&) {
      return rt::Error{rt::Errc::kFull,
                       fmt::format("the agent takes nothing and {} MiB of readings are held: the "
                                   "oldest are lost",
                                   kBytesMax >> 20)};
    });
  }
  return lost;
}

void HeldLines::close_one(const std::shared_ptr<HeldOffer>& offer) {
  offer->open -= 1;
  if (offer->open == 0) finished_.push_back(offer);
}

std::vector<std::shared_ptr<HeldOffer>> HeldLines::take_finished() {
  return std::exchange(finished_, {});
}

}  // namespace fieldpost::bridge
