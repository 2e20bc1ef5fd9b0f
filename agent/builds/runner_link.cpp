#include "agent/builds/runner_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/rt/json_depth.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::Errc;
using rt::Error;

RunnerLink::RunnerLink(rt::Loop& loop, rt::Streams& streams, std::string path)
    : loop_(loop), streams_(streams), path_(std::move(path)) {}

RunnerLink::~RunnerLink() {
  loop_.cancel(timer_);
}

void RunnerLink::ask(const json& question, Answered answered) {
  if (questions_.size() >= kQuestionsMax) {
    loop_.post([answered = std::move(answered)] {
      answered(Error{Errc::kBusy, "too many questions to the runner wait"});
    });
    return;
  }
  questions_.push_back({question.dump() + "\n", std::move(answered)});
  send_next();
}

void RunnerLink::send_next() {
  if (is_asking_ || questions_.empty()) return;
  is_asking_ = true;
  if (!stream_) {
    auto stream = streams_.connect_unix(path_);
    if (!stream) return fail_soon({Errc::kUnavailable, stream.error().message});
    stream_ = *std::move(stream);
    stream_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                    .on_closed =
                        [this](const std::string& why) {
                          fail_soon({Errc::kUnavailable,
                                     "the runner hung up" + (why.empty() ? "" : ": " + why)});
                        }});
  }
  stream_->send(questions_.front().text);
  loop_.cancel(timer_);
  timer_ = loop_.after(kSilentMax, [this] {
    drop();
    finish(Error{Errc::kUnavailable, "the runner says nothing"});
  });
}

void RunnerLink::on_data(const std::string& bytes) {
  if (!is_asking_) return fail_soon({Errc::kCorrupt, "the runner speaks unasked"});
  input_ += bytes;
  if (!reply_) {
    const std::size_t feed = input_.find('\n');
    if (feed == std::string::npos) {
      if (input_.size() > kLineBytesMax) fail_soon({Errc::kCorrupt, "an answer without an end"});
      return;
    }
    const std::string line = input_.substr(0, feed);
    input_.erase(0, feed + 1);
    take_line(line);
  }
  if (!reply_ || input_.size() < missing_) return;
  reply_->bytes = input_.substr(0, missing_);
  input_.erase(0, missing_);
  if (!input_.empty()) return fail_soon({Errc::kCorrupt, "the runner says more than it was asked"});
  finish(*std::exchange(reply_, std::nullopt));
}

/// Sets `reply_`, or ends the question.
void RunnerLink::take_line(std::string_view line) {
  json said = rt::nests_too_deep(line) ? json() : json::parse(line, nullptr, false);
  if (!said.is_object()) {
    return fail_soon({Errc::kCorrupt, "the runner does not answer as a runner does"});
  }
  if (said.contains("error") && said["error"].is_string()) {
    return finish(Error{Errc::kInvalid, said["error"].get<std::string>()});
  }
  missing_ = 0;
  if (said.contains("bytes") && said["bytes"].is_number_unsigned()) {
    missing_ = std::min<std::uint64_t>(said["bytes"].get<std::uint64_t>(), kBytesMax + 1);
  }
  if (missing_ > kBytesMax) return fail_soon({Errc::kCorrupt, "the runner says too much at once"});
  reply_ = Reply{std::move(said), {}};
}

/// Not from inside the stream's own handler: it goes.
void RunnerLink::fail_soon(Error why) {
  reply_.reset();
  loop_.cancel(timer_);
  timer_ = loop_.after(rt::Nanos{0}, [this, why = std::move(why)] {
    drop();
    finish(why);
  });
}

void RunnerLink::drop() {
  stream_.reset();
  input_.clear();
  reply_.reset();
}

void RunnerLink::finish(const rt::Result<Reply>& result) {
  if (!std::exchange(is_asking_, false)) return;  // it hung up, and nothing was asked
  loop_.cancel(std::exchange(timer_, rt::TimerId::kNone));
  const Question question = std::move(questions_.front());
  questions_.pop_front();
  const auto alive = std::weak_ptr(alive_);
  question.answered(result);
  if (!alive.expired()) send_next();
}

}  // namespace fieldpost::agent
