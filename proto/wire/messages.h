#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/clock.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/ids.h"
#include "proto/wire/signing.h"

/// The messages of proto/schema/wire.fbs as values. Each `encode` gives the bytes of one MQTT
/// payload (or of the body inside `Signed`); each `decode_x` verifies first (size, FlatBuffers
/// verifier, ranges of enums and counts, limits.h) and answers kCorrupt otherwise.
namespace fieldpost::wire {

struct Clock {
  rt::UnixTime wall;
  rt::Instant mono;
  rt::BootId boot{};
  bool synchronised = false;
  bool operator==(const Clock&) const = default;
};

enum class GapCause : std::uint8_t {
  kUnknown = 0,
  kShed = 1,
  kAged = 2,
  kRefusedAtSource = 3,
  kDamaged = 4,
  kLostByNode = 5,
  kStoreRestored = 6,
  kLeftBehind = 7,
  kQuarantineFull = 8,
  kThinned = 9,
  kGivenUp = 10,
};
[[nodiscard]] std::string_view to_string(GapCause cause);

/// Names lost, with `each` readings a name (exact when `known`, else at least 0).
struct GapNames {
  NameRange names;
  std::uint32_t each = 0;
  bool known = false;
  bool operator==(const GapNames&) const = default;
};

struct Gap {
  std::vector<GapNames> names;
  std::vector<Hash128> sets;  ///< of the series concerned
  bool sets_known = false;
  std::int64_t first_time = 0;  ///< ns; both 0: not known
  std::int64_t last_time = 0;
  GapCause cause = GapCause::kUnknown;
  std::uint32_t fragments = 0;  ///< of bodies, among its names: these count as no readings
  bool operator==(const Gap&) const = default;
};

enum class RecordKind : std::uint16_t {
  kEmpty = 0,  ///< carries only gaps
  kReadings = 1,
  kEvent = 2,     ///< payload: one JSON object with a member "type"
  kFragment = 3,  ///< payload: a piece of a body (body.h)
  kLogPiece = 4,  ///< payload: a piece of a job's log (build.h)
};

/// What gets a name. Its encoded bytes are fixed from then on; `hash128` of them is its hash.
struct Record {
  std::uint16_t kind = 0;  ///< RecordKind, or one we do not know
  std::uint8_t codec = 0;
  std::uint32_t raw_size = 0;
  std::string payload;
  std::uint32_t readings = 0;
  Hash128 set;
  std::int64_t first_time = 0;
  std::int64_t last_time = 0;
  Clock stamp;
  bool boot_stamped = false;
  std::optional<Name> first_name;
  std::vector<Gap> gaps;
  bool operator==(const Record&) const = default;
};
[[nodiscard]] std::string encode(const Record& record);
rt::Result<Record> decode_record(std::string_view bytes);

/// MQTT payload: "FPE1", CRC-32C of all that follows (little endian), the FlatBuffers Envelope.
struct Envelope {
  Name name;
  Lane lane = Lane::kLive;
  std::uint64_t nonce = 0;
  bool replay = false;
  Clock sent;
  std::vector<NameRange> marked;
  std::vector<std::string> definitions;  ///< SeriesSet::encode
  std::string record;                    ///< encoded Record; its hash is hash128 of these bytes
  bool operator==(const Envelope&) const = default;
};
[[nodiscard]] std::string encode(const Envelope& envelope);
/// kCorrupt with "CRC" in the message when only the check sum is wrong.
rt::Result<Envelope> decode_envelope(std::string_view bytes);

struct IncarnationStatement {
  IncarnationId id;
  IncarnationId parent;  ///< none: the first of its spool
  std::uint64_t ordinal = 0;
  std::uint64_t highest = 0;
  bool live = false;
  std::vector<SeqRange> held;  ///< ascending, disjoint
  std::vector<SeqRange> kept;
  bool operator==(const IncarnationStatement&) const = default;
};

struct Hello {
  std::uint64_t nonce = 0;
  std::uint32_t page = 0;
  std::uint32_t pages = 1;
  SpoolId spool;
  std::vector<IncarnationStatement> incarnations;
  Hash128 digest;
  std::uint32_t digest_count = 0;
  Clock clock;
  std::string version;
  std::vector<std::string> labels;
  StoreId store_id;
  std::uint64_t generation = 0;
  std::uint64_t command_mark = 0;
  bool operator==(const Hello&) const = default;
};
[[nodiscard]] std::string encode(const Hello& hello);
rt::Result<Hello> decode_hello(std::string_view bytes);
/// What an incarnation that holds and keeps nothing adds to the digest; digests combine by XOR.
[[nodiscard]] Hash128 digest_of(IncarnationId id, IncarnationId parent, std::uint64_t highest);

struct Answer {
  std::uint64_t nonce = 0;
  std::uint64_t number = 0;
  Hash128 statement;  ///< `statement_hash` of the hello that it stands for
  bool operator==(const Answer&) const = default;
};
[[nodiscard]] std::string encode(const Answer& answer);
rt::Result<Answer> decode_answer(std::string_view bytes);
/// Of the hashes of a hello's encoded pages, in their order [chal-3].
[[nodiscard]] Hash128 statement_hash(const std::vector<Hash128>& pages);

struct SourceState {
  std::string name;
  std::uint64_t readings = 0;
  std::uint64_t errors = 0;
  std::string last_error;
  bool operator==(const SourceState&) const = default;
};

struct NodeState {
  bool online = false;
  std::string version;
  std::vector<std::string> labels;
  Clock clock;
  std::uint64_t records_held = 0;
  std::uint64_t bytes_held = 0;
  std::uint64_t readings_held = 0;
  std::uint64_t oldest_age_ms = 0;
  /// Until the first class sheds if nothing were delivered from now on, at the present rate of
  /// arrival; 0: not in sight.
  std::uint64_t forecast_s = 0;
  std::string forecast_class;
  std::uint64_t accepted = 0;  ///< readings since the spool was made
  std::uint64_t shed = 0;      ///< readings
  std::uint64_t disk_bytes_written = 0;
  std::uint64_t wire_bytes_sent = 0;
  std::vector<SourceState> sources;
  std::uint64_t messages_ignored = 0;  ///< not signed, not ours, of another session
  bool operator==(const NodeState&) const = default;
};
[[nodiscard]] std::string encode(const NodeState& state);
rt::Result<NodeState> decode_node_state(std::string_view bytes);

struct Challenge {
  StoreId store_id;
  std::uint64_t generation = 0;
  std::uint64_t nonce = 0;
  std::uint64_t number = 0;
  bool list_all = false;
  bool operator==(const Challenge&) const = default;
};
[[nodiscard]] std::string encode(const Challenge& challenge);
rt::Result<Challenge> decode_challenge(std::string_view bytes);

struct VerdictRange {
  NameRange names;
  Verdict verdict = Verdict::kNone;
  bool operator==(const VerdictRange&) const = default;
};
struct StoredHash {
  Name name;
  Hash128 hash;
  bool operator==(const StoredHash&) const = default;
};
struct OrdinalOf {
  IncarnationId incarnation;
  std::uint64_t ordinal = 0;
  bool operator==(const OrdinalOf&) const = default;
};

struct Welcome {
  StoreId store_id;
  std::uint64_t generation = 0;
  std::uint64_t nonce = 0;
  rt::UnixTime time;
  std::vector<VerdictRange> verdicts;
  std::vector<StoredHash> stored;
  std::vector<NameRange> missing;
  std::vector<OrdinalOf> ordinals;
  std::uint64_t credit_bytes = 0;
  std::uint64_t event_credit_bytes = 0;
  std::uint64_t command_mark = 0;
  bool operator==(const Welcome&) const = default;
};
[[nodiscard]] std::string encode(const Welcome& welcome);
rt::Result<Welcome> decode_welcome(std::string_view bytes);

struct Receipt {
  StoreId store_id;
  std::uint64_t generation = 0;
  std::uint64_t nonce = 0;
  rt::UnixTime time;
  std::vector<VerdictRange> verdicts;
  std::vector<Hash128> needs;
  std::uint64_t credit_bytes = 0;
  std::uint64_t event_credit_bytes = 0;
  std::vector<NameRange> waits;  ///< fragments of bodies that may not begin yet [body-3]
  bool operator==(const Receipt&) const = default;
};
[[nodiscard]] std::string encode(const Receipt& receipt);
rt::Result<Receipt> decode_receipt(std::string_view bytes);

struct Command {
  StoreId store_id;
  std::uint64_t generation = 0;
  SpoolId spool;
  std::uint64_t id = 0;
  rt::UnixTime expires;
  std::string verb;
  std::string arguments;    ///< JSON object
  std::uint64_t nonce = 0;  ///< of the session that it was signed for [cmd-4]
  bool operator==(const Command&) const = default;
};
[[nodiscard]] std::string encode(const Command& command);
rt::Result<Command> decode_command(std::string_view bytes);

struct Presence {
  bool online = false;
  StoreId store_id;
  std::uint64_t generation = 0;
  PublicKey public_key{};
  std::string version;
  bool operator==(const Presence&) const = default;
};
[[nodiscard]] std::string encode(const Presence& presence);
rt::Result<Presence> decode_presence(std::string_view bytes);
/// From a `Signed` message that the key in it signed. That it is the right key is for the caller to
/// see. kCorrupt, kDenied as `open_signed`.
rt::Result<Presence> open_presence(std::string_view topic, std::string_view message);

}  // namespace fieldpost::wire
