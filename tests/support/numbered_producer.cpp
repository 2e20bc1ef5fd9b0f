#include "tests/support/numbered_producer.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <utility>

namespace fieldpost::test {

namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 8ms;            // between batches
constexpr std::int64_t kBatchMost = 8;  // readings
constexpr std::int64_t kFirstTimeNs = 1'700'000'000'000'000'000;
constexpr std::int64_t kStepNs = 1'000'003;

}  // namespace

NumberedProducer::NumberedProducer(std::string name, Offer offer)
    : name_(std::move(name)),
      offer_(std::move(offer)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void NumberedProducer::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

std::int64_t NumberedProducer::time_of(std::int64_t number) {
  return kFirstTimeNs + number * kStepNs;
}

std::string NumberedProducer::line(std::int64_t number) const {
  return fmt::format("{},producer={} v={}i {}\n", kMeasurement, name_, number, time_of(number));
}

void NumberedProducer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const std::int64_t count = 1 + offered_ % kBatchMost;
    std::string lines;
    for (std::int64_t i = 1; i <= count; ++i) lines += line(offered_ + i);
    if (offer_(lines, static_cast<std::size_t>(count))) {
      answered_.resize(answered_.size() + static_cast<std::size_t>(count));
      std::iota(answered_.end() - count, answered_.end(), offered_ + 1);
    }
    offered_ += count;
    std::this_thread::sleep_for(kPause);
  }
}

NumberedProducer::Offer offer_to_socket(const std::string& path) {
  auto socket = std::make_shared<PlainSocket>(PlainSocket::to_path(path));
  return [path, socket](const std::string& lines, std::size_t count) {
    if (!socket->is_open()) *socket = PlainSocket::to_path(path);
    if (!socket->send(lines + "\n")) return false;
    std::string answer;
    // An answer is one line `ok N`, with lines `error …` before it.
    while (!answer.ends_with("\n") || answer.rfind("ok ") == answer.npos) {
      if (!socket->receive(answer)) return false;
    }
    return answer == fmt::format("ok {}\n", count);
  };
}

NumberedProducer::Offer offer_to_http(std::uint16_t port, std::string target) {
  return [port, target = std::move(target)](const std::string& lines, std::size_t) {
    return http_call(port, "POST", target, lines).status == 204;
  };
}

}  // namespace fieldpost::test
