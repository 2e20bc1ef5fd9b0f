#include "tests/support/line_agent.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "proto/rt/result.h"

namespace fieldpost::test {

namespace {

constexpr int kLookMs = 20;  // how often it looks whether it shall end
constexpr std::string_view kUnitLine = "#unit ";
constexpr std::string_view kOwnMeasurement = "fieldpost_bridge,";

rt::FileDescriptor listen_at(const std::string& path) {
  rt::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  FP_CHECK(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  FP_CHECK(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  FP_CHECK(::listen(fd.get(), 4) == 0);
  return fd;
}

bool is_ready(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, kLookMs) == 1;
}

/// `SERIES=VALUE [TIME]`: names without escapes; spaces only in a text.
ToldReading read_line(const std::string& line) {
  const std::size_t equals = line.find('=', line.find(' '));
  FP_CHECK(equals != std::string::npos);
  ToldReading out{.series = line.substr(0, equals), .value = line.substr(equals + 1), .unit = {}};
  const std::size_t space = out.value.rfind(' ');
  if (space == std::string::npos || out.value.ends_with('"')) return out;
  std::int64_t time = 0;
  const char* const end = out.value.data() + out.value.size();
  const auto [last, failed] = std::from_chars(out.value.data() + space + 1, end, time);
  FP_CHECK(failed == std::errc() && last == end);
  out.time = time;
  out.value.resize(space);
  return out;
}

}  // namespace

LineAgent::LineAgent(std::string path) : path_(std::move(path)) {
  start();
}

LineAgent::~LineAgent() {
  if (thread_.joinable()) stop();
}

void LineAgent::start() {
  FP_CHECK(!thread_.joinable());
  listener_ = listen_at(path_);
  end_ = false;
  thread_ = std::thread([this] { run(); });
}

void LineAgent::stop() {
  end_ = true;
  thread_.join();
  listener_.reset();
  ::unlink(path_.c_str());
}

std::vector<ToldReading> LineAgent::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

std::vector<ToldReading> LineAgent::told(std::string_view series) const {
  std::vector<ToldReading> found = told();
  std::erase_if(found, [&](const ToldReading& each) { return each.series != series; });
  return found;
}

std::size_t LineAgent::measured() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      told_, [](const ToldReading& each) { return !each.series.starts_with(kOwnMeasurement); }));
}

std::vector<double> LineAgent::values(std::string_view series) const {
  std::vector<double> values;
  for (const ToldReading& each : told(series)) values.push_back(std::atof(each.value.c_str()));
  return values;
}

void LineAgent::run() {
  while (!end_) {
    if (!is_ready(listener_.get())) continue;
    const rt::FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.is_open()) serve(connection.get());
  }
}

void LineAgent::serve(int connection) {
  units_.clear();
  std::string input;
  std::array<char, 64 * 1024> buffer{};
  while (!end_) {
    if (!is_ready(connection)) continue;
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    input.append(buffer.data(), static_cast<std::size_t>(got));
    std::string answers;
    for (const std::size_t readings : take_batches(input)) {
      answers += fmt::format("ok {}\n", readings);
    }
    static_cast<void>(::send(connection, answers.data(), answers.size(), MSG_NOSIGNAL));
  }
}

std::vector<std::size_t> LineAgent::take_batches(std::string& input) {
  constexpr std::string_view kEnd = "\n\n";
  std::vector<std::size_t> sizes;
  std::size_t at = 0;
  for (std::size_t end = input.find(kEnd); end != std::string::npos; end = input.find(kEnd, at)) {
    std::size_t readings = 0;
    while (at <= end) {
      const std::size_t feed = input.find('\n', at);
      readings += take_line(input.substr(at, feed - at));
      at = feed + 1;
    }
    at = end + kEnd.size();
    sizes.push_back(readings);
  }
  input.erase(0, at);
  return sizes;
}

/// How many readings it is.
std::size_t LineAgent::take_line(const std::string& line) {
  if (line.starts_with(kUnitLine)) {
    const std::string rest = line.substr(kUnitLine.size());
    const std::size_t space = rest.find(' ', rest.find(' ') + 1);
    FP_CHECK(space != std::string::npos);
    units_[rest.substr(0, space)] = rest.substr(space + 1);
    return 0;
  }
  ToldReading reading = read_line(line);
  const auto unit = units_.find(reading.series);
  if (unit != units_.end()) reading.unit = unit->second;
  const std::lock_guard lock(mutex_);
  told_.push_back(std::move(reading));
  return 1;
}

}  // namespace fieldpost::test
