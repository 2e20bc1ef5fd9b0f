#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/builds/job_shipper.h"
#include "agent/builds/runner_link.h"
#include "agent/uplink/inbox.h"
#include "proto/rt/loop.h"

namespace fieldpost::agent {

/// The verbs `build`, `build_cancel` and `build_forget` (proto/README.md, section 10): hands them
/// to the runner, which is asked again while it is away, and answers when it has them. Each of them
/// may reach the runner twice and changes nothing then, so a command of a former life is done
/// again. Loop thread.
class BuildVerbs {
 public:
  static constexpr rt::Nanos kRetryEvery = rt::Seconds(2);
  static constexpr rt::Nanos kRunnerAbsentMax = rt::Seconds(120);
  static constexpr std::size_t kDetailBytesMax = 2000;  ///< of an answer
  /// At work. A new one beyond is answered with that; those of a former life are no more.
  static constexpr std::size_t kOrdersMax = 64;

  BuildVerbs(rt::Loop& loop, RunnerLink& runner, JobShipper& shipper);
  ~BuildVerbs();
  BuildVerbs(const BuildVerbs&) = delete;
  BuildVerbs& operator=(const BuildVerbs&) = delete;

  /// Does not outlive this.
  void add_to(Inbox& inbox);

 private:
  using Answered = std::function<void(Inbox::Answer)>;
  using Done = std::function<void(rt::Status)>;
  using Verb = void (BuildVerbs::*)(const wire::Command&, const Answered&);
  /// What a command asks of the runner, until it is answered.
  struct Order {
    std::function<void(Done)> send;
    Answered answered;
    rt::Instant begun;
    rt::TimerId timer = rt::TimerId::kNone;
  };

  void add_to(Inbox& inbox, const std::string& name, Verb verb);
  void build(const wire::Command& command, const Answered& answered);
  void cancel(const wire::Command& command, const Answered& answered);
  void forget(const wire::Command& command, const Answered& answered);
  void start(const std::string& question, const wire::JobAttempt& attempt, const Done& done);
  void ask(const std::string& question, const Done& done);
  void begin(std::function<void(Done)> send, Answered answered);
  void try_order(const std::shared_ptr<Order>& order);
  void on_sent(const std::shared_ptr<Order>& order, const rt::Status& status);

  rt::Loop& loop_;
  RunnerLink& runner_;
  JobShipper& shipper_;
  std::set<std::shared_ptr<Order>> orders_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
