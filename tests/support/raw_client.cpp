#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "proto/rt/result.h"

namespace fieldpost::test {

RawClient::RawClient(std::string_view address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const std::string_view port_text = address.substr(address.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  FP_CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
}

RawClient::~RawClient() {
  ::close(fd_);
}

std::size_t RawClient::send(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

void RawClient::shut_down_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void RawClient::poll() {
  std::array<char, 65536> buffer{};
  while (!closed_) {
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size <= 0) {
      closed_ = true;
    } else {
      got_.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
}

}  // namespace fieldpost::test
