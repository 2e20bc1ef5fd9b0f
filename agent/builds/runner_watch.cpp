#include "agent/builds/runner_watch.h"

#include <utility>

namespace fieldpost::agent {

RunnerWatch::RunnerWatch(rt::Loop& loop, rt::Streams& streams, std::string path,
                         std::function<void()> on_news)
    : loop_(loop), streams_(streams), path_(std::move(path)), on_news_(std::move(on_news)) {}

RunnerWatch::~RunnerWatch() {
  loop_.cancel(timer_);
}

/// That nobody listens is told by whoever asks.
void RunnerWatch::connect() {
  stream_.reset();
  auto stream = streams_.connect_unix(path_);
  if (!stream) return reconnect_later();
  stream_ = *std::move(stream);
  // What the lines say is not needed, so there is nothing to parse, and nothing to gather.
  stream_->start({.on_data = [this](const std::string&) { on_news_(); },
                  .on_closed = [this](const std::string&) { reconnect_later(); }});
  stream_->send("{\"do\":\"watch\"}\n");
  on_news_();
}

void RunnerWatch::reconnect_later() {
  loop_.cancel(timer_);
  timer_ = loop_.after(kReconnectAfter, [this] { connect(); });
}

}  // namespace fieldpost::agent
