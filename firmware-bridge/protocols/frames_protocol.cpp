#include "firmware-bridge/protocols/frames_protocol.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::bridge {
namespace {

constexpr std::string_view kFrameEnd("\0", 1);

/// A major type of CBOR: an array, of a told or an open length (RFC 8949, section 3.1).
bool begins_with_array(std::string_view bytes) {
  constexpr unsigned kMajorShift = 5;
  constexpr unsigned kArray = 4;
  return !bytes.empty() && static_cast<unsigned char>(bytes.front()) >> kMajorShift == kArray;
}

bool begins_with_bracket(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '[';
}

}  // namespace

FramesProtocol::FramesProtocol(Units units)
    : units_(std::move(units)), reader_([this](std::string_view frame) { take_frame(frame); }) {}

void FramesProtocol::feed(std::string_view bytes, std::int64_t, Heard& heard) {
  counts_.bytes += bytes.size();
  call_ = {&heard, false};
  read(bytes);
  call_ = {};
}

void FramesProtocol::take_message(std::string_view bytes, std::int64_t, Heard& heard) {
  counts_.bytes += bytes.size();
  call_ = {&heard, true};
  if (begins_with_bracket(bytes)) {
    take_plain(parse_senml_json(bytes));
  } else if (begins_with_array(bytes)) {
    take_plain(parse_senml_cbor(bytes));
  } else {
    read(bytes);
    read(kFrameEnd);
  }
  call_ = {};
}

std::string FramesProtocol::question() const {
  return make_frame(encode_device_frame(FrameKind::kQuestion, 0, {}));
}

void FramesProtocol::restart() {
  reader_ = FrameReader([this](std::string_view frame) { take_frame(frame); });
  reader_counts_ = {};
  sequence_.interrupt();
}

void FramesProtocol::read(std::string_view bytes) {
  reader_.feed(bytes);
  const FrameCounts before = std::exchange(reader_counts_, reader_.counts());
  const FrameCounts& now = reader_counts_;
  count_unread(now.bad_checksum - before.bad_checksum, counts_.bad_checksum,
               "a frame with a wrong checksum");
  count_unread(now.bad_stuffing - before.bad_stuffing, counts_.bad, "bytes that are no frame");
  count_unread(now.too_long - before.too_long, counts_.bad,
               fmt::format("more than {} bytes without the end of a frame", kFrameBytesMax));
}

void FramesProtocol::count_unread(std::uint64_t count, std::uint64_t& counter,
                                  std::string_view why) {
  if (count == 0) return;
  counter += count;
  set_why_bad(*call_.heard, why);
}

void FramesProtocol::take_frame(std::string_view bytes) {
  const auto frame = parse_device_frame(bytes);
  if (!frame) {
    if (const auto sequence = sequence_in(bytes)) sequence_.pass_over(*sequence);
    return refuse(frame.error().message);
  }
  if (frame->version != kFrameVersion) {
    counts_.other_version += 1;
    return;
  }
  switch (frame->kind) {
    case FrameKind::kBoot: return take_boot(*frame);
    case FrameKind::kHello: return take_hello(*frame);
    case FrameKind::kSeries: return take_series(*frame);
    case FrameKind::kReadings: return take_readings(*frame, parse_senml_cbor(frame->body));
    case FrameKind::kReadingsJson: return take_readings(*frame, parse_senml_json(frame->body));
    case FrameKind::kQuestion: return refuse("our own question: the line sends back what it gets");
  }
}

void FramesProtocol::take_boot(const DeviceFrame& frame) {
  const auto hello = parse_hello(frame.body);
  if (!hello) return refuse(frame, hello.error().message);
  if (frame.sequence != 0) return refuse(frame, "a boot frame whose sequence is not 0");
  sequence_.begin(frame.sequence);
  call_.heard->booted = true;
  meet(*hello);
}

void FramesProtocol::take_hello(const DeviceFrame& frame) {
  const auto hello = parse_hello(frame.body);
  if (!hello) return refuse(frame, hello.error().message);
  if (is_in_sequence(frame)) meet(*hello);
}

void FramesProtocol::meet(const Hello& hello) {
  counts_.good += 1;
  // The same firmware declares the same: its readings go on even if that is not heard this time.
  const bool is_same = hello_ && hello_->name == hello.name && hello_->firmware == hello.firmware;
  if (!is_same) declared_.clear();
  hello_ = hello;
  call_.heard->hello = hello;
}

void FramesProtocol::take_series(const DeviceFrame& frame) {
  const auto series = parse_series(frame.body);
  if (!series) return refuse(frame, series.error().message);
  if (!is_in_sequence(frame)) return;
  bool is_full = false;
  for (const auto& [name, unit] : *series) {
    const bool fits = declared_.size() < kDeclaredSeriesMax || declared_.contains(name);
    if (fits) declared_.insert_or_assign(name, unit);
    is_full = is_full || !fits;
  }
  if (is_full) return refuse(fmt::format("a device has at most {} series", kDeclaredSeriesMax));
  counts_.good += 1;
  call_.heard->declared = true;
}

void FramesProtocol::take_readings(const DeviceFrame& frame, Pack pack) {
  if (!pack) return refuse(frame, pack.error().message);
  if (!is_in_sequence(frame)) return;
  bool is_good = true;
  for (SenmlReading& each : *pack) {
    const auto declared = declared_.find(each.name);
    if (call_.is_message || declared != declared_.end()) {
      is_good = add(std::move(each), declared) && is_good;
    } else {
      counts_.undeclared += 1;
    }
  }
  (is_good ? counts_.good : counts_.bad) += 1;
}

void FramesProtocol::take_plain(Pack pack) {
  if (!pack) return refuse(pack.error().message);
  bool is_good = true;
  for (SenmlReading& each : *pack) {
    const auto declared = declared_.find(each.name);
    is_good = add(std::move(each), declared) && is_good;
  }
  (is_good ? counts_.good : counts_.bad) += 1;
}

bool FramesProtocol::add(SenmlReading reading, Declared::const_iterator declared) {
  Measured out;
  out.key.field = std::move(reading.name);
  const bool has_unit = declared != declared_.end() && !declared->second.empty();
  out.key.unit = has_unit ? declared->second : std::move(reading.unit);
  out.value = std::move(reading.value);
  if (reading.is_absolute) {
    out.time = reading.time;
  } else {
    out.age = -reading.time;
  }
  return add_reading(*call_.heard, std::move(out), units_);
}

bool FramesProtocol::is_in_sequence(const DeviceFrame& frame) {
  const SequenceCount::Step step =
      call_.is_message ? sequence_.take_unordered(frame.sequence) : sequence_.take(frame.sequence);
  call_.heard->lost += step.lost;
  switch (step.place) {
    case SequenceCount::Place::kNext: return true;
    case SequenceCount::Place::kAnew: call_.heard->restart_unseen = true; return true;
    case SequenceCount::Place::kLate: return true;
    case SequenceCount::Place::kBehind: break;
  }
  refuse(fmt::format("frame {} comes again, or is damaged", frame.sequence));
  return false;
}

void FramesProtocol::refuse(std::string_view why) {
  counts_.bad += 1;
  set_why_bad(*call_.heard, why);
}

void FramesProtocol::refuse(const DeviceFrame& frame, std::string_view why) {
  sequence_.pass_over(frame.sequence);
  refuse(why);
}

}  // namespace fieldpost::bridge
