#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "firmware-bridge/agent_link/held_lines.h"
#include "firmware-bridge/devices/reading_sink.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/streams.h"
#include "proto/rt/text_hash.h"

namespace fieldpost::bridge {

struct AgentLinkPorts {
  rt::Loop& loop;
  rt::Streams& streams;
  const rt::WallClock& clock;
  rt::Log& log;
};

struct AgentLinkState {
  bool connected = false;
  std::uint64_t on_disk = 0;  ///< readings that the agent answered for
  std::uint64_t lost = 0;     ///< the oldest, when too many were held
  /// That no line can say, that the agent called bad, or that were too many at once.
  std::uint64_t bad = 0;
  std::size_t held = 0;  ///< readings that are not on its disk
  std::size_t held_bytes = 0;
  std::string why;  ///< of the last failure; empty: there was none, or the agent answered since
};

/// The way to the agent: its unix socket for line protocol. Readings are held in memory until the
/// agent answers that they are on its disk, and sent again, in order, when a connection or an
/// answer fails. Dropped, it forgets what it holds, and nobody is told any more.
///
/// A reading without a time gets that of the wall clock at `offer`, less its age, so sending it
/// again changes nothing. While the clock is not synchronised it goes without one, for the agent
/// knows what to do with the times of a wrong clock; if then an answer is lost with its connection,
/// the reading may be there twice. What is still held when the clock becomes right gets the time at
/// which it came.
class AgentLink final : public ReadingSink {
 public:
  static constexpr rt::Nanos kWindow = rt::Millis{100};      ///< a batch is sent at this age
  static constexpr std::size_t kInFlightMax = 4;             ///< batches that are not answered
  static constexpr rt::Nanos kRetryFirst = rt::Millis{500};  ///< doubles with each failure
  static constexpr rt::Nanos kRetryMost = rt::Seconds{30};
  static constexpr std::size_t kAnswerBytesMax = 64 * 1024;  ///< of one answer
  /// Of memory, of one offer: what could hardly ever be held beside others is refused, not shed.
  static constexpr std::size_t kOfferBytesMax = HeldLines::kBytesMax / 2;
  static constexpr std::size_t kUnitsMax = 4096;  ///< said on one connection; others go without

  AgentLink(AgentLinkPorts ports, std::string path);
  ~AgentLink() override;
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  /// Tells `on_disk` from the loop, never from inside: kFull: too much was held; kInvalid: no line
  /// can say it, the agent calls it bad, or it is over kOfferBytesMax and nothing of it was held.
  /// Of several failures it is the first one.
  void offer(std::vector<Measured> readings, std::function<void(rt::Status)> on_disk) override;
  [[nodiscard]] AgentLinkState state() const;

 private:
  struct Retry {
    rt::Nanos next = kRetryFirst;
    rt::Nanos take() { return std::exchange(next, std::min(2 * next, kRetryMost)); }
    void reset() { next = kRetryFirst; }
  };
  struct BadLine {
    std::size_t place = 0;
    std::string what;
  };
  /// Of the batch that was sent first, as far as it has come.
  struct Answer {
    std::optional<std::string> refused;
    std::optional<BadLine> bad;
  };

  std::vector<HeldLine> make_lines(std::vector<Measured> readings, HeldOffer& offer);
  void hold(std::vector<HeldLine> lines, const std::shared_ptr<HeldOffer>& offer);
  void note_bad(HeldOffer& offer, rt::Error why, std::size_t count);
  void connect();
  void disconnect(std::string why);
  void pump();
  bool may_send(HeldBatch& batch);
  void stamp(HeldBatch& batch) const;
  void send(HeldBatch& batch);
  bool say_unit(const HeldLine& line, std::string& text);
  void on_data(const std::string& bytes);
  void take_answer(const std::string& line);
  void on_ok(std::size_t lines);
  void refuse(HeldBatch& batch, std::string why);
  void refuse_full(HeldBatch& batch, std::string_view why);
  void settle(HeldBatch& batch, std::size_t stored, const std::optional<BadLine>& bad);
  void shed();
  void tell_finished();
  void note_failure(std::string why);

  AgentLinkPorts ports_;
  std::string path_;
  HeldLines held_;
  std::unique_ptr<rt::Stream> stream_;
  std::deque<HeldBatch*> sent_;  ///< not answered, in order
  std::string input_;            ///< an answer's line that has not ended
  Answer answer_;
  std::unordered_map<std::string, std::string, rt::TextHash, std::equal_to<>> units_said_;
  Retry reconnect_, resend_, ask_for_room_;
  rt::TimerId connect_timer_ = rt::TimerId::kNone;
  rt::TimerId window_timer_ = rt::TimerId::kNone;
  rt::TimerId pause_timer_ = rt::TimerId::kNone;  ///< runs after a refusal; nothing is sent then
  rt::TimerId room_timer_ = rt::TimerId::kNone;   ///< then what waits for room is sent again
  AgentLinkState counts_;
  bool failure_told_ = false;  ///< in the log, since the agent took something last
  bool full_told_ = false;
  std::string full_why_;  ///< of what the agent had no room for; empty: it has, as far as we know
  bool loss_told_ = false;
  bool units_told_ = false;
  std::string bad_told_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge
