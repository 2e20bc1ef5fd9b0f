#include "tests/support/sim/sim_streams.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace fieldpost::sim {

namespace {

constexpr std::size_t kSocketBufferBytes = 208 * 1024;
constexpr std::size_t kChunkBytes = 256 * 1024;

/// One end of a connection. Its peer holds it weakly; a queued delivery holds it until it ran.
class End : public std::enable_shared_from_this<End> {
 public:
  explicit End(SimLoop& loop) : loop_(loop) {}
  void join(const std::shared_ptr<End>& peer) { peer_ = peer; }

  void start(rt::Stream::Handlers handlers) {
    handlers_ = std::move(handlers);
    started_ = true;
    wake();
  }
  void set_reading(bool reading) {
    reading_ = reading;
    wake();
  }
  void send(const std::string& bytes) {
    if (closed_ || closing_) return;
    out_ += bytes;
    push();
  }
  [[nodiscard]] std::size_t unsent() const { return out_.size(); }
  void close_after_send() {
    closing_ = true;
    wake();
  }
  void drop() {
    closed_ = true;
    out_.clear();
    in_.clear();
    if (const auto peer = peer_.lock()) peer->hear_close();
  }

 private:
  void hear_close() {
    ended_ = true;
    wake();
  }

  void push() {
    const auto peer = peer_.lock();
    if (!peer || peer->closed_) {
      broken_ = !out_.empty();
      return wake();
    }
    const std::size_t room = kSocketBufferBytes - std::min(kSocketBufferBytes, peer->in_.size());
    const std::size_t size = std::min(room, out_.size());
    peer->in_.append(out_, 0, size);
    out_.erase(0, size);
    if (size > 0) peer->wake();
  }

  void wake() {
    if (std::exchange(woken_, true)) return;
    loop_.post([self = shared_from_this()] {
      self->woken_ = false;
      self->turn();
    });
  }

  void turn() {
    if (closed_) return;
    if (broken_) return close("writing to a stream: broken pipe");
    if (closing_ && out_.empty()) return close("");
    if (!started_ || !reading_ || closing_) return;
    if (!in_.empty()) {
      deliver();
    } else if (ended_ && !std::exchange(end_told_, true)) {
      if (!handlers_.on_end) return close("");
      handlers_.on_end();
    }
  }

  void deliver() {
    const std::size_t size = std::min(kChunkBytes, in_.size());
    std::string bytes = in_.substr(0, size);
    in_.erase(0, size);
    if (const auto peer = peer_.lock()) peer->on_room();
    wake();
    handlers_.on_data(std::move(bytes));
  }

  void on_room() {
    push();
    if (closing_) wake();
  }

  void close(const std::string& why) {
    drop();
    if (handlers_.on_closed) handlers_.on_closed(why);
  }

  SimLoop& loop_;
  std::weak_ptr<End> peer_;
  rt::Stream::Handlers handlers_;
  std::string in_;
  std::string out_;
  bool started_ = false;
  bool reading_ = true;
  bool closing_ = false;
  bool ended_ = false;
  bool end_told_ = false;
  bool closed_ = false;
  bool broken_ = false;
  bool woken_ = false;
};

class SimStream final : public rt::Stream {
 public:
  explicit SimStream(std::shared_ptr<End> end) : end_(std::move(end)) {}
  ~SimStream() override { end_->drop(); }
  SimStream(const SimStream&) = delete;
  SimStream& operator=(const SimStream&) = delete;
  void start(Handlers handlers) override { end_->start(std::move(handlers)); }
  void set_reading(bool reading) override { end_->set_reading(reading); }
  void send(std::string bytes) override { end_->send(bytes); }
  [[nodiscard]] std::size_t unsent() const override { return end_->unsent(); }
  void close_after_send() override { end_->close_after_send(); }

 private:
  std::shared_ptr<End> end_;
};

class SimListener final : public rt::Listener {
 public:
  SimListener(std::string path, std::function<void()> leave)
      : path_(std::move(path)), leave_(std::move(leave)) {}
  ~SimListener() override { leave_(); }
  SimListener(const SimListener&) = delete;
  SimListener& operator=(const SimListener&) = delete;
  [[nodiscard]] std::string address() const override { return path_; }

 private:
  std::string path_;
  std::function<void()> leave_;
};

}  // namespace

rt::Result<std::unique_ptr<rt::Listener>> SimStreams::listen_unix(const std::string& path,
                                                                  OnAccept on_accept) {
  OnAccept& door = (*doors_)[path];
  if (door) return rt::Error{rt::Errc::kBusy, "another process listens on " + path};
  door = std::move(on_accept);
  return std::unique_ptr<rt::Listener>(
      std::make_unique<SimListener>(path, [doors = doors_, path] { doors->erase(path); }));
}

rt::Result<std::unique_ptr<rt::Stream>> SimStreams::connect_unix(const std::string& path) {
  const auto found = doors_->find(path);
  if (found == doors_->end()) {
    return rt::Error{rt::Errc::kNotFound, "connecting to " + path + ": no such file"};
  }
  if (!found->second) {
    return rt::Error{rt::Errc::kUnavailable, "connecting to " + path + ": nobody listens"};
  }
  auto ours = std::make_shared<End>(loop_);
  auto theirs = std::make_shared<End>(loop_);
  ours->join(theirs);
  theirs->join(ours);
  auto accepted =
      std::make_shared<std::unique_ptr<rt::Stream>>(std::make_unique<SimStream>(std::move(theirs)));
  loop_.post([doors = doors_, path, accepted] {
    const auto door = doors->find(path);
    if (door != doors->end() && door->second) door->second(std::move(*accepted));
  });
  return std::unique_ptr<rt::Stream>(std::make_unique<SimStream>(std::move(ours)));
}

}  // namespace fieldpost::sim
