#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/builds/runner_reply.h"
#include "proto/rt/loop.h"
#include "proto/rt/result.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent {

/// Questions to fieldpost-runner at its socket (agent/runner/README.md), one at a time in order.
/// Connects when there is something to ask. Loop thread.
class RunnerLink {
 public:
  static constexpr rt::Nanos kSilentMax = rt::Seconds(30);
  static constexpr std::size_t kQuestionsMax = 1024;
  using Answered = std::function<void(rt::Result<RunnerReply>)>;

  RunnerLink(rt::Loop& loop, rt::Streams& streams, std::string path);
  ~RunnerLink();
  RunnerLink(const RunnerLink&) = delete;
  RunnerLink& operator=(const RunnerLink&) = delete;

  /// `question`: a JSON object in one line, without its end. `answered` is called once, later, and
  /// not at all when this goes before. kUnavailable: nobody listens, it hung up or says nothing, so
  /// that it is not known whether it heard; kCorrupt: it does not answer as a runner does, with the
  /// same doubt; kBusy: too many questions wait, or it is busy; else what the runner says is wrong
  /// (runner_reply.h).
  void ask(const std::string& question, Answered answered);

 private:
  struct Question {
    std::string text;
    Answered answered;
  };
  void send_next();
  void on_data(const std::string& bytes);
  void break_off(rt::Error why);
  void drop();
  void finish(rt::Result<RunnerReply> result);

  rt::Loop& loop_;
  rt::Streams& streams_;
  std::string path_;
  std::unique_ptr<rt::Stream> stream_;
  std::string input_;
  std::optional<rt::Result<RunnerReply>> reply_;  ///< whose bytes have not all come
  std::deque<Question> questions_;
  bool is_asking_ = false;  ///< the first of them
  bool is_broken_ = false;  ///< what the stream says does not count, and it goes at the next turn
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
