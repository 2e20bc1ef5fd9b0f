#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/bench/clients.h"

namespace fieldpost::load {

/// What a server answered.
struct HttpAnswer {
  int status = 0;
  bool has_retry_after = false;
};

/// One user's kept-alive HTTP connection, with one request under way at most. It connects when it
/// is needed. Non-blocking: whoever polls the descriptor calls `on_ready`.
class UserConnection {
 public:
  enum class Progress : std::uint8_t { kNone, kAnswered, kBroken };

  /// Registers itself with `poll` (an epoll descriptor) under `key` while it is connected; the
  /// address outlives it.
  UserConnection(const bench::TcpAddress& address, int poll, std::uint64_t key)
      : address_(&address), poll_(poll), key_(key) {}
  ~UserConnection() { close(); }
  UserConnection(UserConnection&& other) noexcept;
  UserConnection& operator=(UserConnection&&) = delete;
  UserConnection(const UserConnection&) = delete;

  /// kBroken: nothing was sent.
  Progress send(std::string_view request);
  /// kBroken: the request under way has no answer. A connection that the server closes between
  /// requests is no more than that.
  Progress on_ready();
  [[nodiscard]] const HttpAnswer& answer() const { return answer_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool connect();
  bool flush();
  void watch(bool for_room);
  Progress fail(std::string_view doing, int error);
  Progress read_answer();
  void close();

  const bench::TcpAddress* address_;
  int poll_;
  std::uint64_t key_;
  int fd_ = -1;
  bool waits_for_room_ = false;
  bool under_way_ = false;
  std::string out_;  ///< what the kernel did not take yet
  std::string in_;
  HttpAnswer answer_;
  std::string problem_;
};

}  // namespace fieldpost::load
