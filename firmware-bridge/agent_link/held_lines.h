#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// Readings that were offered together.
struct HeldOffer {
  std::size_t open = 0;              ///< lines that are not settled
  std::optional<rt::Error> failure;  ///< of the first line that is lost
  std::function<void(rt::Status)> on_disk;
};

/// A reading as it will be sent.
struct HeldLine {
  std::string text;            ///< without time and line feed
  std::size_t name_bytes = 0;  ///< of `measurement[,tag=value...] field` at its beginning
  std::string unit;
  std::optional<std::int64_t> time;  ///< ns since 1970; absent: it was measured at `arrived`
  rt::Instant arrived;
  std::size_t place = 0;  ///< among the lines of its batch as it was sent, from 1
  std::shared_ptr<HeldOffer> offer;

  [[nodiscard]] std::string_view name() const {
    return std::string_view(text).substr(0, name_bytes);
  }
  [[nodiscard]] std::size_t sent_bytes() const;  ///< at most, with what says its unit
  [[nodiscard]] std::size_t held_bytes() const;  ///< of memory, about
};

/// kInvalid: no line of the agent's socket can say this reading.
rt::Result<HeldLine> make_held_line(Measured reading);

/// What is sent and answered together.
struct HeldBatch {
  std::vector<HeldLine> lines;
  std::size_t bytes = 0;  ///< that sending it may take
  rt::Instant begun;      ///< when its first line came
  bool closed = false;    ///< nothing is added any more; so is one that was ever sent
  bool sent = false;      ///< on the connection that is open now, and not answered
  std::unordered_set<std::string> untimed;  ///< names of lines that came without a time
};

/// Readings that are not on the agent's disk yet, in order. Bounded: when it is over, the oldest
/// batches that are not sent go.
class HeldLines {
 public:
  static constexpr std::size_t kBytesMax = 8 << 20;     ///< of memory
  static constexpr std::size_t kBatchBytes = 64 << 10;  ///< a longer line is a batch by itself

  /// Readings of one series without a time never share a batch: the agent would give them one time,
  /// and of readings of one time the last one stands.
  void add(HeldLine line);
  /// The oldest batch that is not sent; null: there is none. Stays where it is until it is settled
  /// or shed.
  [[nodiscard]] HeldBatch* next();
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
  std::list<HeldBatch> batches_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::vector<std::shared_ptr<HeldOffer>> finished_;
};

}  // namespace fieldpost::bridge
