// One node (and perhaps its clone), one coordinator, and everything on the way between them.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

namespace fieldpost::model::session {

using Inc = std::uint8_t;     ///< an incarnation, numbered as drawn
using Name = std::uint8_t;    ///< kSeqs * incarnation + seq - 1
using Names = std::uint32_t;  ///< a set of names, one bit each
using Incs = std::uint8_t;
using Items = std::uint8_t;    ///< a set of accepted readings, one bit each
using BodyId = std::uint16_t;  ///< equal ids: equal bytes, equal hash; 0: none

constexpr int kIncs = 6;
constexpr int kSeqs = 5;
constexpr int kRecords = 6;
constexpr int kItems = 6;
constexpr int kMessages = 8;
constexpr int kHashes = 6;
constexpr std::uint8_t kNone = 0xFF;

constexpr Names bit(Name name) {
  return Names{1} << name;
}
constexpr Inc inc_of(Name name) {
  return static_cast<Inc>(name / kSeqs);
}
constexpr Incs inc_bit(Inc inc) {
  return static_cast<Incs>(1u << inc);
}
/// Names first … count of an incarnation.
constexpr Names names_of(Inc inc, int count = kSeqs) {
  return ((Names{1} << count) - 1) << (kSeqs * inc);
}
constexpr Names names_in(Incs incs) {
  Names names = 0;
  for (int inc = 0; inc < kIncs; ++inc)
    if ((incs >> inc) & 1) names |= names_of(static_cast<Inc>(inc));
  return names;
}

/// The bytes of a record, as far as they matter.
struct Body {
  Names gaps;  ///< names listed by its gap
  Names zero;  ///< of these: no reading lost with them
  Items items;
  Name account;          ///< thinned: the name under which its reading was accepted
  std::uint8_t unknown;  ///< the gap does not know the number of readings
  std::uint8_t unused;
};

enum Where : std::uint8_t { kEmpty, kMemory, kHeld, kKept };

struct Record {
  BodyId body;
  Name name;
  Where where;
};

enum Session : std::uint8_t { kNoSession, kWaiting, kAnswered, kWelcomed };

/// Spool and process of a node. Sampled records in memory are `kMemory`; the rest is on disk.
struct Node {
  std::array<Record, kRecords> records;
  Names stated;    ///< disk: every name up to the highest of each incarnation
  Names marks;     ///< memory: delivered marks to tell
  Names deleting;  ///< disk, only without [shed-1]: deleted, the gap is not written yet
  Incs incs;       ///< disk
  Incs salvaging;  ///< disk: incarnations of the damaged spool that was set aside
  Inc newest;      ///< disk
  std::uint8_t exists;
  std::uint8_t up;
  Inc live;
  std::uint8_t given;  ///< seqs handed out in the live incarnation
  Session session;
  std::uint8_t nonce;
  std::uint8_t generation;
  std::uint8_t unused[2];
};

enum Kind : std::uint8_t { kNothing, kHello, kChallenge, kAnswer, kWelcome, kRecord, kReceipt };
enum Verdict : std::uint8_t { kStored, kGapped, kRefused, kQuarantined, kConflict };

struct Message {
  Names a, b, c, d;
  std::array<BodyId, kHashes> hashes;
  Kind kind;
  std::uint8_t nonce;
  std::uint8_t number;   ///< challenge, answer: the number; welcome, receipt: the generation
  std::uint8_t subject;  ///< record, receipt: the name; hello, welcome: live incarnation
  std::uint8_t detail;   ///< receipt: verdict; hello: incarnations; record: replay;
                         ///< welcome: seqs used above the stated highest
  std::uint8_t unused;
  BodyId body;

  // hello: a stated, b held, c kept.   record: a marks.
  // welcome: a gapped or refused, b missing, c stored, d quarantined, hashes of c and d by name.
};

struct Store {
  Names stored, gapped, quarantined;
  Names known;    ///< seen or told of
  Names zero;     ///< gapped, and no reading counted
  Names unknown;  ///< gapped, number of readings unknown
  Names unconfirmed;
  Names own;       ///< gapped by the coordinator, number known
  Names dangling;  ///< without [commit-1] or [commit-7]: `stored`, and its data is not there yet
  std::array<BodyId, 32> hash;
  std::array<Name, kItems> key;  ///< the rank under which an item is stored
  Items items;
  Items twice;
  Incs incs;
  Incs left_behind;
  Inc last_live;
  std::uint8_t changes;  ///< of branch
};

struct Coordinator {
  Message pending;  ///< the newest hello
  Message older;    ///< only without [chal-2]: the hello before it
  Message arrived;  ///< not committed yet
  std::uint8_t up;
  std::uint8_t generation;
  std::uint8_t nonce;   ///< of the session confirmed last
  std::uint8_t number;  ///< challenges given
};

enum Budget : std::uint8_t {
  kDurable,
  kSampled,
  kSpoolWrite,
  kHellos,
  kPublish,
  kShed,
  kThin,
  kMerge,
  kEvict,
  kNodeCrash,
  kStoreCrash,
  kDuplicate,
  kImage,
  kMemoryImage,
  kSetBack,
  kClone,
  kBackup,
  kRestore,
  kSalvage,
  kRefuse,
  kQuarantine,
  kReprocess,
  kNeeds,
  kDataLoss,
  kReplay,
  kDeclare,
  kBudgets
};

/// Bits.
enum Travel : std::uint8_t { kStoreBack = 1, kSpoolBack = 2, kProcessBack = 4 };

struct State {
  std::array<Node, 2> nodes;
  Store store;
  Coordinator coordinator;
  std::array<Message, kMessages> net;  ///< sorted, the rest zero
  std::array<Names, kItems> names;     ///< every name an item ever had
  Names shed;                          ///< names shed by the node, number of readings known
  std::uint32_t image;                 ///< of a node, in the world's table; 0: none
  std::uint32_t backup;                ///< of the store
  std::array<std::uint8_t, kBudgets> budget;
  std::array<Inc, kIncs> parent;
  Items durable;
  Items may_lose;   ///< an event took every copy that the node owed
  Items lost_back;  ///< ... and that was a spool set back
  std::uint8_t accepted;
  std::uint8_t incs;  ///< drawn
  std::uint8_t nonces;
  std::uint8_t generations;
  std::uint8_t travelled;  ///< what was set back so far
  std::uint8_t conflicts;
  std::uint8_t overtaken;  ///< a record that had arrived was counted lost
  std::uint8_t last_welcomed;
  std::uint8_t alternations;  ///< times that the welcomed machine was another one
  std::uint8_t cloned;
  Items exposed;  ///< accepted after a memory image was resumed, outside a welcomed session
  Items deleted;  ///< only without [rcpt-2]: from disk, on `stored`
  std::uint8_t unused;
};

static_assert(std::has_unique_object_representations_v<State>);

}  // namespace fieldpost::model::session
