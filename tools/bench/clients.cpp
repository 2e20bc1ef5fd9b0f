#include "tools/bench/clients.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tools/bench/daemon.h"

namespace fieldpost::bench {
namespace {

constexpr double kConnectWithin = 10;

int connect_to(const sockaddr* address, socklen_t size, const std::string& name) {
  const double began = now_s();
  for (;;) {
    const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, address, size) == 0) return fd;
    ::close(fd);
    if (now_s() - began > kConnectWithin) give_up("nobody listens at " + name);
    sleep_s(0.01);
  }
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    give_up("no port is free");
  }
  ::close(fd);
  return ntohs(address.sin_port);
}

std::int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// ---- TcpAddress ----

TcpAddress TcpAddress::of_loopback(std::uint16_t port) {
  TcpAddress made;
  const sockaddr_in address = loopback(port);
  std::memcpy(&made.storage, &address, sizeof(address));
  made.size = sizeof(address);
  made.name = fmt::format("127.0.0.1:{}", port);
  return made;
}

TcpAddress TcpAddress::look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) give_up(fmt::format("looking up {}: {}", host, ::gai_strerror(failed)));
  TcpAddress made;
  std::memcpy(&made.storage, found->ai_addr, found->ai_addrlen);
  made.size = found->ai_addrlen;
  made.name = fmt::format("{}:{}", host, port);
  ::freeaddrinfo(found);
  return made;
}

// ---- Connection ----

Connection Connection::to_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return Connection(connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof(address), path));
}

Connection Connection::to_loopback(std::uint16_t port) {
  return to(TcpAddress::of_loopback(port));
}

Connection Connection::to(const TcpAddress& address) {
  const int fd = connect_to(address.get(), address.size, address.name);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return Connection(fd);
}

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)), at_(other.at_) {}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

void Connection::shut() {
  ::shutdown(fd_, SHUT_RDWR);
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) give_up(fmt::format("sending: {}", std::strerror(errno)));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Connection::fill() {
  buffer_.erase(0, std::exchange(at_, 0));
  char bytes[1 << 16];
  const ssize_t size = ::recv(fd_, bytes, sizeof(bytes), 0);
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(size));
  return true;
}

bool Connection::read_line(std::string& line) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', at_);
    if (end != std::string::npos) {
      line.assign(buffer_, at_, end - at_);
      at_ = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      return true;
    }
    if (!fill()) return false;
  }
}

std::string Connection::read_exactly(std::size_t size) {
  while (buffer_.size() - at_ < size) {
    if (!fill()) give_up("a connection closed in the middle of an answer");
  }
  return buffer_.substr(std::exchange(at_, at_ + size), size);
}

// ---- LineProducer ----

void LineProducer::send(std::string_view lines, std::size_t under_way_max) {
  while (under_way_ >= under_way_max) take_answer();
  connection_.send(lines);
  connection_.send("\n");
  under_way_ += 1;
}

void LineProducer::wait_for_all() {
  while (under_way_ > 0) take_answer();
}

void LineProducer::take_answer() {
  std::string answer;
  if (!connection_.read_line(answer)) give_up("the agent closed the socket");
  if (!answer.starts_with("ok ")) give_up("the agent answered: " + answer);
  under_way_ -= 1;
}

// ---- HttpClient ----

std::string HttpClient::get(const std::string& target) {
  connection_.send("GET " + target + " HTTP/1.1\r\nHost: bench\r\n\r\n");
  return read_body();
}

void HttpClient::post(const std::string& target, std::string_view body) {
  connection_.send(fmt::format("POST {} HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n",
                               target, body.size()));
  connection_.send(body);
  read_body();
}

std::string HttpClient::read_body() {
  std::string status;
  if (!connection_.read_line(status)) give_up("a server closed the connection");
  std::size_t size = 0;
  for (std::string line; connection_.read_line(line) && !line.empty();) {
    if (::strncasecmp(line.c_str(), "content-length:", 15) == 0) {
      size = std::strtoull(line.c_str() + 15, nullptr, 10);
    }
  }
  std::string body = connection_.read_exactly(size);
  if (!status.starts_with("HTTP/1.1 2")) give_up(status + ": " + body);
  return body;
}

// ---- LiveWatch ----

LiveWatch::LiveWatch(std::uint16_t port, std::int64_t series)
    : connection_(Connection::to_loopback(port)) {
  connection_.send(
      fmt::format("GET /api/v1/live?series={}&times=ns HTTP/1.1\r\nHost: bench\r\n\r\n", series));
  std::string line;
  // The first event's field: from here on nothing is missed.
  while (connection_.read_line(line) && !line.starts_with("retry:")) {
  }
  thread_ = std::thread([this] { follow(); });
}

LiveWatch::~LiveWatch() {
  connection_.shut();
  thread_.join();
}

void LiveWatch::follow() {
  for (std::string line; connection_.read_line(line);) {
    const std::size_t at = line.find("\"time\":");
    if (at == std::string::npos) continue;
    const std::int64_t sent = std::strtoll(line.c_str() + at + 7, nullptr, 10);
    const double age = static_cast<double>(wall_ns() - sent) / 1e9;
    const std::lock_guard lock(mutex_);
    seen_.push_back({static_cast<double>(sent) / 1e9, age});
  }
}

std::vector<LiveWatch::Seen> LiveWatch::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace fieldpost::bench
