#include "agent/builds/runner_link.h"

#include <utility>

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::Result;

RunnerLink::RunnerLink(rt::Loop& loop, rt::Streams& streams, std::string path)
    : loop_(loop), streams_(streams), path_(std::move(path)) {}

RunnerLink::~RunnerLink() {
  loop_.cancel(timer_);
}

void RunnerLink::ask(const std::string& question, Answered answered) {
  if (questions_.size() >= kQuestionsMax) {
    loop_.post([answered = std::move(answered), alive = std::weak_ptr(alive_)] {
      if (alive.expired()) return;
      answered(Error{Errc::kBusy, "too many questions to the runner wait"});
    });
    return;
  }
  questions_.push_back({question + "\n", std::move(answered)});
  send_next();
}

void RunnerLink::send_next() {
  if (is_asking_ || is_broken_ || questions_.empty()) return;
  is_asking_ = true;
  if (!stream_) {
    auto stream = streams_.connect_unix(path_);
    if (!stream) return break_off({Errc::kUnavailable, stream.error().message});
    stream_ = *std::move(stream);
    stream_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                    .on_closed =
                        [this](const std::string& why) {
                          break_off({Errc::kUnavailable,
                                     "the runner hung up" + (why.empty() ? "" : ": " + why)});
                        }});
  }
  stream_->send(questions_.front().text);
  timer_ = loop_.after(kSilentMax, [this] {
    drop();
    finish(Error{Errc::kUnavailable, "the runner says nothing"});
  });
}

void RunnerLink::on_data(const std::string& bytes) {
  if (is_broken_) return;
  if (!is_asking_) return break_off({Errc::kCorrupt, "the runner speaks unasked"});
  input_ += bytes;
  if (!reply_) {
    const std::size_t feed = input_.find('\n');
    if (feed == std::string::npos && input_.size() <= kRunnerLineBytesMax) return;
    if (feed == std::string::npos) {
      return break_off({Errc::kCorrupt, "the runner's answer has no end"});
    }
    auto reply = parse_runner_reply(std::string_view(input_).substr(0, feed));
    if (!reply && reply.error().code == Errc::kCorrupt) return break_off(reply.error());
    input_.erase(0, feed + 1);
    reply_ = std::move(reply);
  }
  const std::size_t size = *reply_ ? (*reply_)->size : 0;
  if (input_.size() < size) return;
  if (input_.size() > size) {
    return break_off({Errc::kCorrupt, "the runner says more than it was asked"});
  }
  Result<RunnerReply> reply = std::move(*reply_);
  reply_.reset();
  if (reply) reply->bytes = std::exchange(input_, {});
  finish(std::move(reply));
}

/// Not from inside the stream's own handler: it goes.
void RunnerLink::break_off(Error why) {
  if (std::exchange(is_broken_, true)) return;
  loop_.cancel(timer_);
  timer_ = loop_.after(rt::Nanos{0}, [this, why = std::move(why)] {
    drop();
    is_asking_ ? finish(why) : send_next();
  });
}

void RunnerLink::drop() {
  stream_.reset();
  input_.clear();
  reply_.reset();
  is_broken_ = false;
}

void RunnerLink::finish(Result<RunnerReply> result) {
  is_asking_ = false;
  loop_.cancel(std::exchange(timer_, rt::TimerId::kNone));
  const Question question = std::move(questions_.front());
  questions_.pop_front();
  const auto alive = std::weak_ptr(alive_);
  question.answered(std::move(result));
  if (!alive.expired()) send_next();
}

}  // namespace fieldpost::agent
