#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proto/rt/loop.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent {

/// A second connection to fieldpost-runner, on which it says at once that a job has news, so that
/// nobody has to ask in vain. What is new, who is told asks for. Connects again when it is gone.
/// Loop thread.
class RunnerWatch {
 public:
  static constexpr rt::Nanos kReconnectAfter = rt::Seconds(2);

  /// `on_news`: there may be some; also after each connection, for what was missed before it.
  RunnerWatch(rt::Loop& loop, rt::Streams& streams, std::string path,
              std::function<void()> on_news);
  ~RunnerWatch();
  RunnerWatch(const RunnerWatch&) = delete;
  RunnerWatch& operator=(const RunnerWatch&) = delete;

  void start() { connect(); }

 private:
  void connect();
  void reconnect_later();

  rt::Loop& loop_;
  rt::Streams& streams_;
  std::string path_;
  std::function<void()> on_news_;
  std::unique_ptr<rt::Stream> stream_;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent
