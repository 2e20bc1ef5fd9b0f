#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/ports/port.h"
#include "proto/rt/loop.h"

namespace fieldpost::sim {

/// What is at an address: a test plugs it, feeds it, and sees what the product did to it.
struct FakeBoard {
  bool plugged = true;
  std::optional<rt::Error> error;  ///< of opening it
  std::string name = "/dev/ttyUSB0";
  rt::Nanos open_takes = rt::Millis(1);
  std::set<unsigned> bauds_refused;
  std::vector<std::string> on_open_says;  ///< sent as soon as it was opened

  std::vector<rt::Nanos> tried;  ///< when it was to be opened, since boot
  std::string sent;              ///< by the product
  std::vector<unsigned> bauds;   ///< that were set, the first by opening
  std::size_t unsent = 0;        ///< what the product believes to be queued
  int open_ports = 0;
  rt::Stream::Handlers handlers;

  [[nodiscard]] bool is_open() const { return open_ports > 0; }
  [[nodiscard]] unsigned baud() const { return bauds.empty() ? 0 : bauds.back(); }
  /// Nobody hears what is said while the port is not open.
  void say(const std::string& bytes) {
    const auto on_data = handlers.on_data;
    if (is_open() && on_data) on_data(bytes);
  }
  void unplug(const std::string& why = "input/output error") {
    plugged = false;
    hang_up(why);
  }
  void hang_up(const std::string& why) {
    const auto on_closed = handlers.on_closed;
    if (is_open() && on_closed) on_closed(why);
  }
};

/// Ports without devices. Bytes arrive at once.
class FakeBridgePorts final : public bridge::Ports {
 public:
  explicit FakeBridgePorts(rt::Loop& loop) : loop_(loop) {}

  /// At `address`, plugged in unless the test says otherwise.
  FakeBoard& board(const std::string& address) { return *board_at(address); }
  /// What the product listens with; null: it does not.
  bridge::OnMessage* listening(const std::string& address) {
    const auto at = doors_->find(address);
    return at == doors_->end() ? nullptr : &at->second;
  }
  std::optional<rt::Error> listen_error;
  std::vector<rt::Nanos> listen_tried;

  void open(const bridge::PortAddress& address, const bridge::SerialSettings& settings,
            OnOpen on_open) override {
    const auto board = board_at(address.text());
    board->tried.push_back(loop_.now().since_boot);
    loop_.after(board->open_takes, [board, settings, on_open = std::move(on_open)] {
      if (board->error) return on_open(*board->error);
      if (!board->plugged) return on_open(rt::Error{rt::Errc::kNotFound, "no such file"});
      if (board->is_open()) return on_open(rt::Error{rt::Errc::kBusy, "this process has it"});
      board->bauds.push_back(settings.baud);
      on_open(std::unique_ptr<bridge::Port>(std::make_unique<Line>(board)));
      for (const std::string& each : board->on_open_says) board->say(each);
    });
  }

  rt::Result<std::unique_ptr<rt::Listener>> listen(const bridge::PortAddress& address,
                                                   bridge::OnMessage on_message) override {
    listen_tried.push_back(loop_.now().since_boot);
    if (listen_error) return *listen_error;
    doors_->insert_or_assign(address.text(), std::move(on_message));
    return std::unique_ptr<rt::Listener>(std::make_unique<Door>(doors_, address.text()));
  }

 private:
  using Doors = std::map<std::string, bridge::OnMessage>;
  struct Line final : bridge::Port {
    explicit Line(std::shared_ptr<FakeBoard> other) : board(std::move(other)) {
      board->open_ports += 1;
    }
    ~Line() override {
      board->open_ports -= 1;
      board->handlers = {};
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    void start(Handlers handlers) override { board->handlers = std::move(handlers); }
    void set_reading(bool) override {}
    void send(std::string bytes) override { board->sent += bytes; }
    [[nodiscard]] std::size_t unsent() const override { return board->unsent; }
    void close_after_send() override {}
    rt::Status set_baud(unsigned baud) override {
      if (board->bauds_refused.contains(baud)) {
        return rt::Error{rt::Errc::kInvalid, "cannot be that fast"};
      }
      board->bauds.push_back(baud);
      return rt::ok();
    }
    [[nodiscard]] std::string name() const override { return board->name; }
    std::shared_ptr<FakeBoard> board;
  };
  struct Door final : rt::Listener {
    Door(std::shared_ptr<Doors> all, std::string where)
        : doors(std::move(all)), address_text(std::move(where)) {}
    ~Door() override { doors->erase(address_text); }
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    [[nodiscard]] std::string address() const override { return address_text; }
    std::shared_ptr<Doors> doors;
    std::string address_text;
  };

  std::shared_ptr<FakeBoard> board_at(const std::string& address) {
    auto& board = boards_[address];
    if (!board) board = std::make_shared<FakeBoard>();
    return board;
  }

  rt::Loop& loop_;
  std::map<std::string, std::shared_ptr<FakeBoard>> boards_;
  std::shared_ptr<Doors> doors_ = std::make_shared<Doors>();
};

}  // namespace fieldpost::sim
