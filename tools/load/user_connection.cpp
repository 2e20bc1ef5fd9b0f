#include "tools/load/user_connection.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace fieldpost::load {
namespace {

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kHeadBytesMax = 64 * 1024;

std::size_t number_in(std::string_view text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool has_name(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         ::strncasecmp(line.data(), name.data(), name.size()) == 0;
}

/// An answer at the front of `bytes`, as a whole, is taken away from there.
std::optional<HttpAnswer> take_answer(std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  HttpAnswer answer;
  std::size_t body = 0;
  std::string_view head(bytes.data(), end);
  if (head.starts_with("HTTP/1.")) answer.status = static_cast<int>(number_in(head.substr(9, 3)));
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    if (has_name(line, "Content-Length")) body = number_in(line.substr(line.find(':') + 1));
    if (has_name(line, "Retry-After")) answer.has_retry_after = true;
  }
  if (bytes.size() < end + 4 + body) return std::nullopt;
  bytes.erase(0, end + 4 + body);
  return answer;
}

}  // namespace

UserConnection::UserConnection(UserConnection&& other) noexcept
    : address_(other.address_),
      poll_(other.poll_),
      key_(other.key_),
      fd_(std::exchange(other.fd_, -1)),
      waits_for_room_(other.waits_for_room_),
      under_way_(other.under_way_),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)) {}

void UserConnection::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));  // which takes it out of the poll
  out_.clear();
  in_.clear();
}

UserConnection::Progress UserConnection::fail(std::string_view doing, int error) {
  problem_ = fmt::format("{}: {}", doing, std::strerror(error));
  close();
  under_way_ = false;
  return Progress::kBroken;
}

bool UserConnection::connect() {
  fd_ = ::socket(address_->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd_, address_->get(), address_->size) != 0 && errno != EINPROGRESS) return false;
  epoll_event wanted{.events = EPOLLIN, .data = {.u64 = key_}};
  waits_for_room_ = false;
  return ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd_, &wanted) == 0;
}

/// Whether it wants to hear of room for `out_`.
void UserConnection::watch(bool for_room) {
  if (std::exchange(waits_for_room_, for_room) == for_room) return;
  const std::uint32_t events = for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  epoll_event wanted{.events = events, .data = {.u64 = key_}};
  ::epoll_ctl(poll_, EPOLL_CTL_MOD, fd_, &wanted);
}

/// False: errno says why nothing more can be sent.
bool UserConnection::flush() {
  while (!out_.empty()) {
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN)) break;  // full, or connecting
    if (sent < 0) return false;
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  watch(!out_.empty());
  return true;
}

UserConnection::Progress UserConnection::send(std::string_view request) {
  if (fd_ < 0 && !connect()) return fail("connecting", errno);
  under_way_ = true;
  out_ = request;
  return flush() ? Progress::kNone : fail("sending", errno);
}

UserConnection::Progress UserConnection::on_ready() {
  if (fd_ < 0) return Progress::kNone;
  char bytes[kReadBytes];
  const ssize_t size = ::recv(fd_, bytes, sizeof(bytes), 0);
  if (size < 0 && errno != EAGAIN && errno != ENOTCONN) {
    if (under_way_) return fail("connection", errno);
    close();
    return Progress::kNone;
  }
  if (size > 0) {
    in_.append(bytes, static_cast<std::size_t>(size));
    return read_answer();
  }
  if (size < 0) return flush() ? Progress::kNone : fail("sending", errno);
  close();
  if (!std::exchange(under_way_, false)) return Progress::kNone;
  problem_ = "connection closed without an answer";
  return Progress::kBroken;
}

UserConnection::Progress UserConnection::read_answer() {
  const auto answer = take_answer(in_);
  if (!answer && in_.size() < kHeadBytesMax) return Progress::kNone;
  if (!answer || answer->status == 0 || !std::exchange(under_way_, false)) {
    return fail("the answer", EBADMSG);
  }
  answer_ = *answer;
  return Progress::kAnswered;
}

}  // namespace fieldpost::load
