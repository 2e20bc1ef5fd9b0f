#include "tests/support/plain_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::test {

namespace {

constexpr timeval kWaitMax{10, 0};
constexpr std::size_t kHeadBytesMax = 64 * 1024;

int connect_to(int family, const sockaddr* address, socklen_t size) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  FP_CHECK(fd >= 0);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kWaitMax, sizeof kWaitMax);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kWaitMax, sizeof kWaitMax);
  if (::connect(fd, address, size) == 0) return fd;
  ::close(fd);
  return -1;
}

/// Of the header `name` (lower case with its colon), or npos.
std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    const std::string line(head.substr(at + 2, kName.size()));
    std::string lower;
    for (const char c : line) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (lower == kName) return std::strtoull(head.data() + at + 2 + kName.size(), nullptr, 10);
  }
  return head.npos;
}

HttpAnswer read_answer(PlainSocket& socket) {
  std::string got;
  std::size_t head = got.npos;
  while ((head = got.find("\r\n\r\n")) == got.npos) {
    if (got.size() > kHeadBytesMax || !socket.receive(got)) return {};
  }
  HttpAnswer answer{std::atoi(got.c_str() + got.find(' ')), {}};
  const std::size_t length = content_length(std::string_view(got).substr(0, head));
  const std::size_t whole = length == got.npos ? got.npos : head + 4 + length;
  const bool has_body = answer.status != 204;
  while (has_body && got.size() < whole && socket.receive(got)) {
  }
  if (has_body && whole != got.npos && got.size() < whole) return {};
  answer.body = got.substr(head + 4);
  return answer;
}

}  // namespace

PlainSocket::PlainSocket(int fd) : fd_(fd) {}

PlainSocket PlainSocket::to_port(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return PlainSocket(
      connect_to(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

PlainSocket PlainSocket::to_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  FP_CHECK(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  return PlainSocket(
      connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

PlainSocket::~PlainSocket() {
  close();
}

PlainSocket::PlainSocket(PlainSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

PlainSocket& PlainSocket::operator=(PlainSocket&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

void PlainSocket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool PlainSocket::send(std::string_view bytes) {
  while (is_open() && !bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent <= 0) close();
  }
  return is_open();
}

bool PlainSocket::receive(std::string& into) {
  if (!is_open()) return false;
  char buffer[16 * 1024];
  const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
  if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
  if (got <= 0) close();
  return got > 0;
}

HttpAnswer http_call(std::uint16_t port, std::string_view method, std::string_view target,
                     std::string_view body) {
  PlainSocket socket = PlainSocket::to_port(port);
  const std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
      method, target, body.size(), body);
  if (!socket.send(request)) return {};
  return read_answer(socket);
}

}  // namespace fieldpost::test
