#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/uplink/inbox.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent {

/// The verb `flash` ([cmd-7]): hands an order to the bridge that has the board, and waits for what
/// came of it. The bridge does the work and survives this process: an order has an id there, which
/// is flashed at most once and whose outcome can be asked for again. Loop thread.
class BoardFlash {
 public:
  static constexpr rt::Nanos kRetryEvery = rt::Seconds(2);
  static constexpr rt::Nanos kBusyEvery = rt::Seconds(10);  ///< an order may hold a whole image
  /// A bridge that was not there yet may be starting.
  static constexpr rt::Nanos kBridgeAbsentMax = rt::Seconds(120);
  /// Beside the time that the board has: reading, writing and taking back a large part at 57,600
  /// baud take minutes each. As long a bridge may be away that had the order, or may have had it
  /// from a former life.
  static constexpr rt::Nanos kSilentMax = rt::Seconds(900);
  /// One that says that it is busy is asked again for as long as a command lives.
  static constexpr rt::Nanos kOrderMax = std::chrono::hours(24);
  /// Orders at work. A new one beyond is answered with that; those of a former life wait.
  static constexpr std::size_t kJobsMax = 64;
  static constexpr std::size_t kDetailBytesMax = 2000;  ///< of an answer

  /// `sockets`: of the bridges of this node.
  BoardFlash(rt::Loop& loop, rt::Streams& streams, rt::Log& log, std::vector<std::string> sockets);
  ~BoardFlash();
  BoardFlash(const BoardFlash&) = delete;
  BoardFlash& operator=(const BoardFlash&) = delete;

  /// Does not outlive this.
  [[nodiscard]] Inbox::SlowVerb verb();

 private:
  class Job;
  using Answered = std::function<void(Inbox::Answer)>;
  void begin(const wire::Command& command, bool resumed, Answered answered);
  void resume_next();

  rt::Loop& loop_;
  rt::Streams& streams_;
  rt::Log& log_;
  std::vector<std::string> sockets_;
  std::map<std::uint64_t, std::shared_ptr<Job>> jobs_;  ///< at work, by command
  std::deque<std::shared_ptr<Job>> resumed_;            ///< not yet; what a former life left open
};

}  // namespace fieldpost::agent
