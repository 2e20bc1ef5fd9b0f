#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"
#include "proto/rt/text_hash.h"
#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// Readings that were offered together.
struct HeldOffer {
  rt::Instant arrived;
  /// `arrived` in ns since 1970: one for all of them. Absent until the clock was right.
  std::optional<std::int64_t> arrived_at;
  std::size_t open = 0;              ///< lines that are not settled
  std::optional<rt::Error> failure;  ///< of the first line that is lost
  std::function<void(rt::Status)> on_disk;
};

/// A reading as it will be sent.
struct HeldLine {
  std::string text;            ///< without time and line feed
  std::size_t name_bytes = 0;  ///< of `measurement[,tag=value...] field` at its beginning
  std::string measurement;
  std::string unit;
  std::optional<std::int64_t> time;  ///< ns since 1970; absent: `age` before its offer arrived
  std::int64_t age = 0;              ///< ns
  std::size_t place = 0;             ///< among the lines of its batch as it was sent, from 1
  std::shared_ptr<HeldOffer> offer;

  [[nodiscard]] std::string_view name() const {
    return std::string_view(text).substr(0, name_bytes);
  }
  [[nodiscard]] std::size_t sent_bytes() const;  ///< at most, with what says its unit
  [[nodiscard]] std::size_t held_bytes() const;  ///< of memory, about
};

/// kInvalid: no line of the agent's socket can say this reading.
rt::Result<HeldLine> make_held_line(Measured reading);

/// Whether a line can begin with this measurement, and mean it.
[[nodiscard]] bool begins_a_line(std::string_view measurement);

/// Of readings without a time that came together, those of one series and age get ages that differ
/// by a nanosecond, in their order: of readings of one time only the last one stands.
void set_ages_apart(std::vector<HeldLine>& lines);

/// What is sent and answered together.
struct HeldBatch {
  std::vector<HeldLine> lines;
  std::string measurement;  ///< all of its lines are of this one, which goes apart; empty: any
  std::size_t bytes = 0;    ///< that sending it may take
  rt::Instant begun;        ///< when its first line came
  bool closed = false;      ///< nothing is added any more; so is one that was ever sent
  bool sent = false;        ///< on the connection that is open now, and not answered
  /// Names of lines without a time.
  std::unordered_set<std::string, rt::TextHash, std::equal_to<>> untimed;
};

/// Readings that are not on the agent's disk yet, in order. Bounded: when it is over, the oldest
/// batches that are not sent go.
///
/// The agent has room by measurement (its classes), and refuses a batch as a whole. So what is
/// refused goes apart from then on, each measurement in batches of its own, until nothing of it is
/// held any more; what waits for room holds up no others.
class HeldLines {
 public:
  static constexpr std::size_t kBytesMax = 8 << 20;     ///< of memory
  static constexpr std::size_t kBatchBytes = 64 << 10;  ///< a longer line is a batch by itself

  /// Readings of one series without a time never share a batch: the agent would give them one time,
  /// and of readings of one time the last one stands.
  void add(HeldLine line);
  /// The oldest batch that is not sent and waits for no room; null: there is none. Stays where it
  /// is until it is settled, refused or shed.
  [[nodiscard]] HeldBatch* next();
  /// The agent had no room for something of this batch, which is not sent any more and goes: its
  /// measurements go apart. true: it was of one only, which waits until `try_again`.
  bool refuse(HeldBatch& batch);
  /// What waits for room may be sent.
  void try_again();
  /// Something that was refused is held.
  [[nodiscard]] bool has_apart() const { return !apart_.empty(); }
  /// The batch is over and goes; `why_lost` says of each line why it is lost, if it is.
  void settle(HeldBatch& batch,
              const std::function<std::optional<rt::Error>(const HeldLine&)>& why_lost);
  /// Down to the bound; how many readings were lost.
  std::size_t shed();
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Offers of which everything is settled; each is given once.
  [[nodiscard]] std::vector<std::shared_ptr<HeldOffer>> take_finished();
  /// A line less of the offer is open.
  void close_one(const std::shared_ptr<HeldOffer>& offer);

 private:
  using Batches = std::list<HeldBatch>;
  /// A measurement that goes apart.
  struct Apart {
    std::size_t batches = 0;  ///< that are held; it is over with the last one
    bool waits = false;       ///< for room
  };

  [[nodiscard]] bool waits(const HeldBatch& batch) const;
  Batches::iterator find(const HeldBatch& batch);
  HeldBatch& make_batch(Batches::iterator before, std::string measurement, rt::Instant begun);
  void erase(Batches::iterator batch);
  void divide(Batches::iterator batch, const std::function<bool(const HeldLine&)>& goes_apart);

  Batches batches_;
  std::map<std::string, Apart> apart_;  ///< by measurement
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::vector<std::shared_ptr<HeldOffer>> finished_;
};

}  // namespace fieldpost::bridge
