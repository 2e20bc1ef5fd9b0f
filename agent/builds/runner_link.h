#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "proto/rt/loop.h"
#include "proto/rt/result.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent {

/// Questions to fieldpost-runner at its socket (agent/runner/README.md), one at a time in order.
/// Connects when there is something to ask. Loop thread.
class RunnerLink {
 public:
  static constexpr rt::Nanos kSilentMax = rt::Seconds(30);
  static constexpr std::size_t kLineBytesMax = 1 << 20;
  static constexpr std::size_t kBytesMax = 1 << 20;  ///< that may follow a line
  static constexpr std::size_t kQuestionsMax = 1024;

  /// A line, and the bytes behind it where it says `bytes`.
  struct Reply {
    nlohmann::json said;
    std::string bytes;
  };
  using Answered = std::function<void(rt::Result<Reply>)>;

  RunnerLink(rt::Loop& loop, rt::Streams& streams, std::string path);
  ~RunnerLink();
  RunnerLink(const RunnerLink&) = delete;
  RunnerLink& operator=(const RunnerLink&) = delete;

  /// `answered` is called once, later. kUnavailable: nobody listens, it hung up or says nothing,
  /// so that it is not known whether it heard; kInvalid: what the runner says is wrong with the
  /// question; kBusy: too many questions wait; kCorrupt: it does not answer as a runner does.
  void ask(const nlohmann::json& question, Answered answered);

 private:
  struct Question {
    std::string text;
    Answered answered;
  };
  void send_next();
  void on_data(const std::string& bytes);
  void take_line(std::string_view line);
  void fail_soon(rt::Error why);
  void finish(const rt::Result<Reply>& result);
  void drop();

  rt::Loop& loop_;
  rt::Streams& streams_;
  std::string path_;
  std::unique_ptr<rt::Stream> stream_;
  std::string input_;
  std::optional<Reply> reply_;  ///< whose bytes have not all come
  std::size_t missing_ = 0;     ///< bytes of it
  std::deque<Question> questions_;
  bool is_asking_ = false;  ///< the first of them
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
