#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/batch_encoder.h"
#include "proto/wire/messages.h"

namespace fieldpost::agent {

/// What decides lane, share of the spool and policy at its bound. Values are stored.
enum class RecordClass : std::uint8_t {
  kGap = 0,    ///< only gaps: never shed, has a reserve of its own
  kEvent = 1,  ///< command outcomes, builds, states
  kLog = 2,
  kBody = 3,      ///< fragments of bodies: never shed for space, has a share of its own
  kReadings = 16  ///< + index of the configured class of series (up to wire::kReadingClassesMax)
};
[[nodiscard]] constexpr RecordClass readings_class(int index) {
  return static_cast<RecordClass>(static_cast<int>(RecordClass::kReadings) + index);
}
[[nodiscard]] constexpr bool is_readings(RecordClass c) {
  return c >= RecordClass::kReadings;
}
/// What producers write into the lane `event`, and logs: held until delivered, never shed.
[[nodiscard]] constexpr bool is_event(RecordClass c) {
  return c == RecordClass::kEvent || c == RecordClass::kLog;
}
inline constexpr RecordClass kLastRecordClass = readings_class(wire::kReadingClassesMax - 1);
/// Of a class of readings, below wire::kReadingClassesMax.
[[nodiscard]] constexpr std::optional<std::size_t> class_index(RecordClass c) {
  if (c < RecordClass::kReadings || c > kLastRecordClass) return std::nullopt;
  return static_cast<std::size_t>(c) - static_cast<std::size_t>(RecordClass::kReadings);
}

/// A record with everything the spool and the uplink need to know of it. `body` is shared with the
/// publish in flight and never changes.
struct SpoolRecord {
  std::int64_t no = 0;  ///< row; 0: in memory only
  wire::Name name;
  bool held = true;          ///< false: kept
  bool damaged = false;      ///< its body does not match its hash: not to be sent
  std::uint64_t bytes = 0;   ///< of the body, as its row says; 0: in memory only
  std::uint64_t age_ms = 0;  ///< the spool's age when it was accepted; 0: in memory only
  RecordClass record_class = RecordClass::kReadings;
  std::uint16_t kind = 0;
  std::uint32_t readings = 0;
  std::int64_t first_time = 0;
  std::int64_t last_time = 0;
  wire::Hash128 set;
  wire::Hash128 hash;
  std::shared_ptr<const std::string> body;        ///< encoded wire::Record
  std::shared_ptr<const std::string> definition;  ///< bytes of `set`; null: none, or look it up
  std::vector<wire::GapNames> covers;             ///< names that its gaps list
};

/// What a record costs beside its body: row, indices, slack of pages. Measured, rounded up.
inline constexpr std::uint64_t kRowOverheadBytes = 256;
[[nodiscard]] inline std::uint64_t bytes_on_disk(const SpoolRecord& record) {
  return record.body->size() + kRowOverheadBytes;
}

[[nodiscard]] inline bool holds_readings(const SpoolRecord& record) {
  return is_readings(record.record_class);
}

[[nodiscard]] inline bool is_fragment(const SpoolRecord& record) {
  return record.record_class == RecordClass::kBody;
}

/// What the spool's bound is for; gaps and events have reserves of their own.
[[nodiscard]] inline bool is_bounded(const SpoolRecord& record) {
  return holds_readings(record) || is_fragment(record);
}

/// Finishes a record: encodes it, hashes it and fills the fields that mirror its content.
[[nodiscard]] SpoolRecord make_spool_record(const wire::Record& record, RecordClass record_class);

}  // namespace fieldpost::agent
