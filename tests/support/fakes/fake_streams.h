#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "proto/rt/streams.h"

namespace fieldpost::sim {

/// The other end of a stream: what a test sends, sees and does.
struct FakePeer {
  rt::Stream::Handlers handlers;
  std::string received;       ///< sent by the product
  std::size_t unsent = 0;     ///< what the product believes to be queued; set by the test
  bool reading = true;        ///< the product wants to read
  bool closed_by_us = false;  ///< dropped by the product
  bool closing = false;       ///< close_after_send was called

  void send(std::string bytes) { handlers.on_data(std::move(bytes)); }
  void close() {
    if (!closed_by_us) handlers.on_closed("");
  }
  void end() { handlers.on_end(); }  ///< sends no more, but reads
};

/// Streams without sockets. Bytes arrive at once.
class FakeStreams final : public rt::Streams {
 public:
  /// null: nobody listens there.
  std::shared_ptr<FakePeer> connect(const std::string& path) {
    const auto at = accepts_->find(path);
    if (at == accepts_->end()) return nullptr;
    auto peer = std::make_shared<FakePeer>();
    at->second(std::make_unique<End>(peer));
    return peer;
  }

  rt::Result<std::unique_ptr<rt::Listener>> listen_unix(const std::string& path,
                                                        OnAccept on_accept) override {
    if (accepts_->contains(path)) {
      return rt::Error{rt::Errc::kBusy, "listening on " + path + ": somebody does already"};
    }
    accepts_->emplace(path, std::move(on_accept));
    return std::unique_ptr<rt::Listener>(std::make_unique<Door>(accepts_, path));
  }
  /// What a test connects with is `connect`; products that connect are tested over SimStreams.
  rt::Result<std::unique_ptr<rt::Stream>> connect_unix(const std::string& path) override {
    return rt::Error{rt::Errc::kNotFound, "connecting to " + path + ": no such file"};
  }

 private:
  using Accepts = std::map<std::string, OnAccept>;
  struct End final : rt::Stream {
    explicit End(std::shared_ptr<FakePeer> other) : peer(std::move(other)) {}
    ~End() override { peer->closed_by_us = true; }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    void start(Handlers handlers) override { peer->handlers = std::move(handlers); }
    void set_reading(bool reading) override { peer->reading = reading; }
    void send(std::string bytes) override { peer->received += bytes; }
    [[nodiscard]] std::size_t unsent() const override { return peer->unsent; }
    void close_after_send() override { peer->closing = true; }
    std::shared_ptr<FakePeer> peer;
  };
  struct Door final : rt::Listener {
    Door(std::shared_ptr<Accepts> all, std::string where)
        : accepts(std::move(all)), path(std::move(where)) {}
    ~Door() override { accepts->erase(path); }
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    [[nodiscard]] std::string address() const override { return path; }
    std::shared_ptr<Accepts> accepts;
    std::string path;
  };
  std::shared_ptr<Accepts> accepts_ = std::make_shared<Accepts>();
};

}  // namespace fieldpost::sim
