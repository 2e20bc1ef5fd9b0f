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

std::size_t bytes_without_lines(const HeldBatch& batch) {
  return sizeof(HeldBatch) + batch.measurement.size();
}

void put(HeldBatch& batch, HeldLine line) {
  if (!line.time) batch.untimed.emplace(line.name());
  batch.bytes += line.sent_bytes();
  batch.lines.push_back(std::move(line));
}

}  // namespace

rt::Result<HeldLine> make_held_line(Measured reading) {
  wire::SeriesKey& key = reading.key;
  key.type = reading.value.type;
  if (const std::string_view why = why_not(reading.value); !why.empty()) return unsayable(key, why);
  if (!key.is_valid()) return wire::SeriesKey::parse(key.text()).error();
  if (!begins_a_line(key.measurement)) {
    return unsayable(key, "no measurement begins with \"#\" or a tabulator");
  }
  HeldLine line;
  line.text = wire::format_line_name(key);
  line.name_bytes = line.text.size();
  wire::append_line_value(line.text, key.type, reading.value.bits, reading.value.text);
  if (line.text.size() + kTimeBytes > kLineBytesMax) return unsayable(key, "its line is too long");
  line.measurement = std::move(key.measurement);
  line.unit = std::move(key.unit);
  line.time = reading.time;
  line.age = reading.age;
  return line;
}

/// The parser takes such a line for a comment, or passes over the tabulator.
bool begins_a_line(std::string_view measurement) {
  return !measurement.starts_with('#') && !measurement.starts_with('\t');
}

void set_ages_apart(std::vector<HeldLine>& lines) {
  std::map<std::pair<std::string_view, std::int64_t>, std::int64_t> seen;
  for (HeldLine& line : lines) {
    if (!line.time) line.age -= seen[{line.name(), line.age}]++;
  }
}

std::size_t HeldLine::sent_bytes() const {
  return text.size() + kTimeBytes + kUnitLineBytes + name_bytes + unit.size();
}

std::size_t HeldLine::held_bytes() const {
  // The name is in `untimed`, too.
  return sizeof(HeldLine) + text.size() + measurement.size() + unit.size() + name_bytes;
}

void HeldLines::add(HeldLine line) {
  const std::string apart = apart_.contains(line.measurement) ? line.measurement : std::string();
  const auto last = std::find_if(batches_.rbegin(), batches_.rend(), [&](const HeldBatch& batch) {
    return batch.measurement == apart;
  });
  HeldBatch* batch = last == batches_.rend() ? nullptr : &*last;
  if (batch != nullptr) {
    batch->closed = batch->closed || batch->bytes + line.sent_bytes() > kBatchBytes ||
                    (!line.time && batch->untimed.contains(line.name()));
  }
  if (batch == nullptr || batch->closed) {
    batch = &make_batch(batches_.end(), apart, line.offer->arrived);
  }
  bytes_ += line.held_bytes();
  count_ += 1;
  line.offer->open += 1;
  put(*batch, std::move(line));
}

HeldLines::Batches::iterator HeldLines::find(const HeldBatch& batch) {
  return std::ranges::find_if(batches_,
                              [&batch](const HeldBatch& each) { return &each == &batch; });
}

HeldBatch& HeldLines::make_batch(Batches::iterator before, std::string measurement,
                                 rt::Instant begun) {
  HeldBatch& batch = *batches_.emplace(before);
  batch.begun = begun;
  batch.measurement = std::move(measurement);
  if (!batch.measurement.empty()) apart_[batch.measurement].batches += 1;
  bytes_ += bytes_without_lines(batch);
  return batch;
}

void HeldLines::erase(Batches::iterator batch) {
  bytes_ -= bytes_without_lines(*batch);
  const auto apart = apart_.find(batch->measurement);
  if (apart != apart_.end()) {
    apart->second.batches -= 1;
    if (apart->second.batches == 0) apart_.erase(apart);
  }
  batches_.erase(batch);
}

bool HeldLines::waits(const HeldBatch& batch) const {
  const auto apart = apart_.find(batch.measurement);
  return apart != apart_.end() && apart->second.waits;
}

HeldBatch* HeldLines::next() {
  const auto found = std::ranges::find_if(
      batches_, [this](const HeldBatch& batch) { return !batch.sent && !waits(batch); });
  return found == batches_.end() ? nullptr : &*found;
}

/// Each of them has one batch, in the place of the one that was.
void HeldLines::divide(Batches::iterator batch,
                       const std::function<bool(const HeldLine&)>& goes_apart) {
  if (std::ranges::none_of(batch->lines, goes_apart)) return;
  std::map<std::string, HeldBatch*> parts;
  for (HeldLine& line : batch->lines) {
    const std::string apart = goes_apart(line) ? line.measurement : std::string();
    HeldBatch*& part = parts[apart];
    if (part == nullptr) {
      part = &make_batch(batch, apart, batch->begun);
      part->closed = batch->closed;
    }
    put(*part, std::move(line));
  }
  erase(batch);
}

bool HeldLines::refuse(HeldBatch& batch) {
  const std::string measurement = batch.lines.front().measurement;
  const bool has_others = std::ranges::any_of(
      batch.lines, [&](const HeldLine& line) { return line.measurement != measurement; });
  if (batch.measurement.empty()) divide(find(batch), [](const HeldLine&) { return true; });
  if (has_others) return false;
  apart_.at(measurement).waits = true;
  for (auto each = batches_.begin(); each != batches_.end();) {
    const auto queued = each++;
    if (queued->sent || !queued->measurement.empty()) continue;
    divide(queued, [&](const HeldLine& line) { return line.measurement == measurement; });
  }
  return true;
}

void HeldLines::try_again() {
  for (auto& [measurement, apart] : apart_) apart.waits = false;
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
  erase(find(batch));
}

std::size_t HeldLines::shed() {
  std::size_t lost = 0;
  while (bytes_ > kBytesMax) {
    const auto oldest = std::ranges::find(batches_, false, &HeldBatch::sent);
    if (oldest == batches_.end()) break;
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
