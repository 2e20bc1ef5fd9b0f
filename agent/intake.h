#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/messages.h"
#include "proto/wire/sha256.h"

namespace fieldpost::agent {

/// What a producer that waits is told.
struct Accepted {
  std::size_t lines = 0;  ///< on disk now (or before, when the idempotency key was known)
};

struct DurableOptions {
  std::string idempotency_key;  ///< empty: none; remembered for a day
};

/// What bodies may take of the spool.
struct BodyRoom {
  std::uint64_t bytes_free = 0;  ///< now, rows included; no reading is shed for a body
  std::uint64_t bytes_max = 0;   ///< when it holds nothing else
};

/// Where a body stands that goes into the spool window by window, since it may be larger than all
/// that bodies may take of it.
struct BodyPlace {
  wire::Sha256Digest hash;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  ///< up to here it was written; more than 0, less than `size`
  bool operator==(const BodyPlace&) const = default;
};

/// The door for readings into the agent. Implemented by the spool's front; loop thread only.
class Intake {
 public:
  virtual ~Intake() = default;

  /// Nobody waits: published from memory at once, written to the spool only without a receipt.
  virtual void accept_sampled(wire::ParsedLines lines) = 0;

  /// A producer waits: `done` is called after the readings are on disk (fsync), or with
  /// kFull (`drop_newest`, or no space: nothing was kept), kBusy (too much is waiting already:
  /// offer it again later, nothing was kept) or kIo.
  virtual void accept_durable(wire::ParsedLines lines, DurableOptions options,
                              std::function<void(rt::Result<Accepted>)> done) = 0;

  /// Fragments of a body, in one transaction: `done` after they are on disk, or with kFull (no
  /// room: nothing was kept), kBusy or kIo. For BodyWriter, which gives few at a time and one body
  /// after the other: the uplink relies on it ([body-3]).
  virtual void accept_fragments(std::vector<wire::Record> fragments,
                                std::function<void(rt::Status)> done) = 0;
  [[nodiscard]] virtual BodyRoom body_room() const = 0;

  /// The same for a window of a body, and in the same transaction where the body stands now; none:
  /// nowhere, it is there as a whole. There is one such body at a time.
  virtual void accept_window(std::vector<wire::Record> fragments, std::optional<BodyPlace> place,
                             std::function<void(rt::Status)> done) = 0;
  /// The place of the body that stands somewhere; none: there is no such body.
  virtual void load_body_place(std::function<void(rt::Result<std::optional<BodyPlace>>)> done) = 0;
  /// That body is given up.
  virtual void forget_body_place(std::function<void(rt::Status)> done) = 0;

  /// Whether accept_durable would answer kBusy now. Sources then pause reading.
  [[nodiscard]] virtual bool is_busy() const = 0;
};

}  // namespace fieldpost::agent
