#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fieldpost::test {

/// A TCP client without manners: sends any bytes, reads when told to. Loopback only.
class RawClient {
 public:
  explicit RawClient(std::string_view address);  ///< "127.0.0.1:43211"
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// Blocks; only for what fits the socket's buffers. Returns what was sent.
  std::size_t send(std::string_view bytes);
  void shut_down_sending();
  /// Takes what is there without waiting.
  void poll();
  [[nodiscard]] const std::string& got() const { return got_; }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  int fd_ = -1;
  std::string got_;
  bool closed_ = false;
};

}  // namespace fieldpost::test
