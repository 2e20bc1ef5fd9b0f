#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/builds/runner_link.h"
#include "agent/sources/body_writer.h"
#include "agent/uplink/inbox.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"

namespace fieldpost::agent {

/// The verb `artifact` ([build-7]): reads an artifact from the runner piece by piece and makes a
/// body of it, however large, which a reading of `fieldpost_artifact` tells of. Answers when all of
/// that is in the spool. A command of a former life is done again: the body goes on where it stood.
/// Loop thread.
class ArtifactSender {
 public:
  static constexpr rt::Nanos kRetryEvery = rt::Seconds(2);
  static constexpr rt::Nanos kRunnerAbsentMax = rt::Seconds(120);
  static constexpr std::size_t kOrdersMax = 64;  ///< at work; those of a former life are no more
  static constexpr std::size_t kNameBytesMax = 255;
  static constexpr std::size_t kDetailBytesMax = 2000;  ///< of an answer
  static constexpr std::size_t kFactsAtOnce = 16;       ///< looked through for the artifact
  /// Read at once of what a former life had written, for the hash of the whole.
  static constexpr std::uint64_t kCatchUpBytes = 256 * 1024;

  ArtifactSender(rt::Loop& loop, const rt::WallClock& clock, RunnerLink& runner,
                 BodyWriter& bodies);
  ~ArtifactSender();
  ArtifactSender(const ArtifactSender&) = delete;
  ArtifactSender& operator=(const ArtifactSender&) = delete;

  /// Does not outlive this.
  void add_to(Inbox& inbox);

 private:
  struct Order;
  using OrderPtr = std::shared_ptr<Order>;
  using Answered = std::function<void(Inbox::Answer)>;
  using Take = std::function<void(const rt::Result<RunnerReply>&)>;
  /// A piece that is asked for.
  struct Wanted {
    std::uint64_t offset = 0;
    std::uint64_t end = 0;
    std::function<void(rt::Result<std::string>)> done;
  };

  void begin(const wire::Command& command, const Answered& answered);
  void find(const OrderPtr& order);
  void look_through(const OrderPtr& order, const RunnerReply& reply);
  void offer(const OrderPtr& order);
  void on_stored(const OrderPtr& order, const rt::Status& status);
  void read(const OrderPtr& order, const Wanted& wanted);
  void read_on(const OrderPtr& order, const Wanted& wanted);
  void ask(const OrderPtr& order, const std::string& question, const Take& take);
  void try_ask(const OrderPtr& order, const std::string& question, const Take& take);
  void finish(const OrderPtr& order, Inbox::Answer answer);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  RunnerLink& runner_;
  BodyWriter& bodies_;
  std::set<OrderPtr> orders_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
