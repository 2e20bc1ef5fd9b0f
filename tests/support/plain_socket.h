#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fieldpost::test {

/// A blocking stream socket with a limit on each wait, for clients that live in a thread of
/// their own. After a failure it is closed and stays so.
class PlainSocket {
 public:
  static PlainSocket to_port(std::uint16_t port);       ///< of loopback
  static PlainSocket to_path(const std::string& path);  ///< a unix socket
  ~PlainSocket();
  PlainSocket(PlainSocket&& other) noexcept;
  PlainSocket& operator=(PlainSocket&& other) noexcept;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  bool send(std::string_view bytes);
  /// Appends what comes next; false at the end, at a failure and when nothing comes for long.
  bool receive(std::string& into);

 private:
  explicit PlainSocket(int fd);
  void close();

  int fd_ = -1;
};

struct HttpAnswer {
  int status = 0;  ///< 0: there was no whole answer
  std::string body;
};

/// One request on a connection of its own.
[[nodiscard]] HttpAnswer http_call(std::uint16_t port, std::string_view method,
                                   std::string_view target, std::string_view body = {});

}  // namespace fieldpost::test
