#include "tests/support/sim/sim_ports.h"

#include <utility>

namespace fieldpost::sim {

using bridge::PortAddress;
using rt::Errc;
using rt::Error;

namespace {

constexpr std::size_t kPausedBytesMax = 64 * 1024;  // what a kernel keeps of a tty that is not read
constexpr std::size_t kChunkBytes = 4096;
constexpr std::uint16_t kFirstGivenPort = 40000;

}  // namespace

/// One opening of a port, as the daemon sees it. Turns that are under way hold it.
class SimPorts::Line : public std::enable_shared_from_this<Line> {
 public:
  explicit Line(SimLoop& loop) : loop_(loop) {}

  void start(rt::Stream::Handlers handlers) {
    handlers_ = std::move(handlers);
    started_ = true;
    wake();
  }
  void set_reading(bool reading) {
    reading_ = reading;
    wake();
  }
  void close_after_send() {
    closing_ = true;
    wake();
  }
  void hear(const std::string& bytes) {
    if (closed_ || ended_) return;
    in_ += bytes;
    if ((!started_ || !reading_) && in_.size() > kPausedBytesMax) in_.resize(kPausedBytesMax);
    wake();
  }
  void end(std::string why) {
    ended_ = true;
    why_ = std::move(why);
    wake();
  }
  void drop() { closed_ = true; }
  [[nodiscard]] bool takes_bytes() const { return !closed_ && !closing_ && !ended_; }
  [[nodiscard]] bool is_open() const { return !closed_; }

 private:
  void wake() {
    if (std::exchange(woken_, true)) return;
    loop_.post([self = shared_from_this()] {
      self->woken_ = false;
      self->turn();
    });
  }

  void turn() {
    if (closed_ || !started_) return;
    if (closing_) return close("");
    if (!reading_) return;
    if (!in_.empty()) return deliver();
    if (ended_) close(why_);
  }

  void deliver() {
    std::string bytes = in_.substr(0, kChunkBytes);
    in_.erase(0, bytes.size());
    wake();
    handlers_.on_data(std::move(bytes));
  }

  void close(const std::string& why) {
    closed_ = true;
    if (handlers_.on_closed) handlers_.on_closed(why);
  }

  SimLoop& loop_;
  rt::Stream::Handlers handlers_;
  std::string in_;
  std::string why_;
  bool started_ = false;
  bool reading_ = true;
  bool closing_ = false;
  bool ended_ = false;
  bool closed_ = false;
  bool woken_ = false;
};

struct SimPorts::Socket {
  SimBoard board;
  std::weak_ptr<Line> line;
};

class SimPorts::SimPort final : public bridge::Port {
 public:
  SimPort(SimLoop& loop, std::shared_ptr<Socket> socket, std::shared_ptr<Line> line,
          const PortAddress& address)
      : world_(loop.world()),
        socket_(std::move(socket)),
        line_(std::move(line)),
        is_serial_(address.is_serial()),
        name_(is_serial_ ? address.text() : address.host_port()) {}
  ~SimPort() override { line_->drop(); }
  SimPort(const SimPort&) = delete;
  SimPort& operator=(const SimPort&) = delete;

  void start(Handlers handlers) override { line_->start(std::move(handlers)); }
  void set_reading(bool reading) override { line_->set_reading(reading); }
  void send(std::string bytes) override {
    if (!line_->takes_bytes()) return;
    socket_->board.sent += bytes;
    // What was sent arrives, whatever becomes of the daemon.
    world_.schedule(rt::Nanos{0}, [socket = socket_, bytes = std::move(bytes)] {
      if (const auto hear = socket->board.on_bytes) hear(bytes);
    });
  }
  [[nodiscard]] std::size_t unsent() const override { return 0; }
  void close_after_send() override { line_->close_after_send(); }

  rt::Status set_baud(unsigned baud) override {
    if (!is_serial_ || baud == 0) {
      return Error{Errc::kInvalid, name_ + " cannot have this baud rate"};
    }
    if (!line_->takes_bytes()) return Error{Errc::kUnavailable, name_ + " is closed"};
    socket_->board.baud = baud;
    return rt::ok();
  }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  SimWorld& world_;
  std::shared_ptr<Socket> socket_;
  std::shared_ptr<Line> line_;
  bool is_serial_;
  std::string name_;
};

namespace {

class SimDoor final : public rt::Listener {
 public:
  SimDoor(std::string address, std::function<void()> leave)
      : address_(std::move(address)), leave_(std::move(leave)) {}
  ~SimDoor() override { leave_(); }
  SimDoor(const SimDoor&) = delete;
  SimDoor& operator=(const SimDoor&) = delete;
  [[nodiscard]] std::string address() const override { return address_; }

 private:
  std::string address_;
  std::function<void()> leave_;
};

}  // namespace

SimPorts::SimPorts(SimLoop& loop) : loop_(loop), sockets_(std::make_shared<Sockets>()) {}

SimPorts::SimPorts(SimLoop& loop, const SimPorts& before)
    : loop_(loop), sockets_(before.sockets_) {}

SimPorts::~SimPorts() = default;

void SimPorts::open(const PortAddress& address, const bridge::SerialSettings& settings,
                    OnOpen on_open) {
  FP_CHECK(!address.is_listened_at());
  loop_.post([this, alive = std::weak_ptr(alive_), address, baud = settings.baud,
              on_open = std::move(on_open)] {
    if (!alive.expired()) on_open(open_now(address, baud));
  });
}

rt::Result<std::unique_ptr<bridge::Port>> SimPorts::open_now(const PortAddress& address,
                                                             unsigned baud) {
  const std::string text = address.text();
  const SimBoard& found = board(text);
  if (!found.plugged && !address.is_serial()) {
    return Error{Errc::kUnavailable, "nobody listens at " + address.host_port()};
  }
  if (!found.plugged) return Error{Errc::kNotFound, text + " is not there: is it plugged in?"};
  if (!found.denied.empty()) return Error{Errc::kDenied, found.denied};
  if (!found.held_by.empty()) return Error{Errc::kBusy, text + " is in use by " + found.held_by};
  if (is_open(text)) return Error{Errc::kBusy, text + " is in use by fieldpost-bridge itself"};
  const auto line = std::make_shared<Line>(loop_);
  const auto& socket = sockets_->at(text);
  socket->line = line;
  socket->board.opens += 1;
  if (address.is_serial()) socket->board.baud = baud;
  return std::unique_ptr<bridge::Port>(std::make_unique<SimPort>(loop_, socket, line, address));
}

rt::Result<std::unique_ptr<rt::Listener>> SimPorts::listen(const PortAddress& address,
                                                           bridge::OnMessage on_message) {
  FP_CHECK(address.is_listened_at());
  PortAddress at = address;
  if (at.port == 0) at.port = static_cast<std::uint16_t>(kFirstGivenPort + ports_given_++);
  const std::string text = at.text();
  if (!doors_->emplace(text, std::move(on_message)).second) {
    return Error{Errc::kBusy, "another socket listens on " + text};
  }
  return std::unique_ptr<rt::Listener>(
      std::make_unique<SimDoor>(at.host_port(), [doors = doors_, text] { doors->erase(text); }));
}

SimPorts::Socket& SimPorts::socket(const std::string& address) {
  auto& socket = (*sockets_)[address];
  if (!socket) socket = std::make_shared<Socket>();
  return *socket;
}

SimBoard& SimPorts::board(const std::string& address) {
  return socket(address).board;
}

SimBoard& SimPorts::plug(const std::string& address) {
  SimBoard& plugged = board(address);
  plugged.plugged = true;
  return plugged;
}

void SimPorts::unplug(const std::string& address) {
  Socket& at = socket(address);
  at.board.plugged = false;
  if (const auto line = at.line.lock()) line->end(address + " has gone: was it pulled out?");
  at.line.reset();  // plugged in again it can be opened, whoever still holds what has gone
}

bool SimPorts::is_open(const std::string& address) {
  const auto line = socket(address).line.lock();
  return line && line->is_open();
}

void SimPorts::feed(const std::string& address, const std::string& bytes) {
  if (const auto line = socket(address).line.lock()) line->hear(bytes);
}

bool SimPorts::deliver(const std::string& address, std::string bytes,
                       std::function<void(rt::Status)> on_answer) {
  if (!doors_->contains(address)) return false;
  if (!address.starts_with("http:") || !on_answer) on_answer = [](const rt::Status&) {};
  loop_.post([doors = std::weak_ptr(doors_), address, bytes = std::move(bytes),
              on_answer = std::move(on_answer)] {
    const auto open = doors.lock();
    if (!open || !open->contains(address)) return;
    const auto on_message = open->at(address);  // which may close the door
    on_message(bytes, on_answer);
  });
  return true;
}

}  // namespace fieldpost::sim
