// Kills agent, broker and coordinator at random instants while three producers write numbers, and
// then compares what the producers were told with what is stored.
//   kill_rounds [--rounds N] [--seed N]
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>
#include <string_view>
#include <thread>

#include "tests/support/numbered_check.h"
#include "tests/support/numbered_producer.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRoundsDefault = 100;
constexpr int kCalmLeastMs = 20;  // before a kill
constexpr int kCalmMostMs = 900;
constexpr int kDownMostMs = 150;
constexpr int kTwoAtOncePercent = 25;
constexpr auto kDrainMost = 90s;
constexpr std::size_t kComplaintsShownMax = 20;

enum class Victim { kAgent, kBroker, kBrokerAndItsState, kCoordinator };

struct Options {
  std::uint64_t rounds = kRoundsDefault;
  std::uint64_t seed = std::random_device{}();
};

class KillRounds {
 public:
  explicit KillRounds(const Options& options) : options_(options), dice_(options.seed) {}
  /// What is wrong at the end.
  std::vector<std::string> run();

 private:
  int roll(int least, int most) { return std::uniform_int_distribution(least, most)(dice_); }
  void pause(int least_ms, int most_ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(roll(least_ms, most_ms)));
  }
  void kill(Victim victim);
  void start_all();
  void round();
  void complain_about_crashes();

  Options options_;
  std::mt19937_64 dice_;
  RealSite site_;
  std::vector<std::string> wrong_;
};

void KillRounds::kill(Victim victim) {
  switch (victim) {
    case Victim::kAgent: return site_.agent().kill();
    case Victim::kCoordinator: return site_.coordinator().kill();
    case Victim::kBroker: return site_.broker().kill();
    case Victim::kBrokerAndItsState:
      site_.broker().kill();
      site_.delete_broker_state();
      return;
  }
}

void KillRounds::start_all() {
  if (!site_.broker().running()) site_.broker().start();
  if (!site_.agent().running()) site_.agent().start();
  if (!site_.coordinator().running()) site_.coordinator().start();
}

void KillRounds::complain_about_crashes() {
  if (!site_.agent().running()) wrong_.push_back("the agent ended by itself");
  if (!site_.coordinator().running()) wrong_.push_back("the coordinator ended by itself");
}

void KillRounds::round() {
  pause(kCalmLeastMs, kCalmMostMs);
  complain_about_crashes();
  const int victims = roll(1, 100) <= kTwoAtOncePercent ? 2 : 1;
  for (int i = 0; i < victims; ++i) kill(Victim{roll(0, 3)});
  pause(0, kDownMostMs);
  start_all();
}

std::vector<std::string> KillRounds::run() {
  start_all();
  NumberedProducer socket("socket", offer_to_socket(site_.socket()));
  NumberedProducer http("http", offer_to_http(site_.agent_port(), "/write"));
  NumberedProducer centre("centre",
                          offer_to_http(site_.coordinator_port(), "/api/v2/write?bucket=b"));
  for (std::uint64_t i = 0; i < options_.rounds; ++i) round();
  for (NumberedProducer* producer : {&socket, &http, &centre}) producer->stop();
  const auto calm_since = std::chrono::steady_clock::now();
  if (!wait_until(kDrainMost, [this] { return site_.drained(); })) {
    wrong_.push_back("the spool was not drained in time");
  }
  fmt::print("drained in {} ms\n", (std::chrono::steady_clock::now() - calm_since) / 1ms);
  complain_about_crashes();
  const auto add = [this](std::vector<std::string> more) {
    wrong_.insert(wrong_.end(), more.begin(), more.end());
  };
  add(check_numbers(site_, kNodeName, socket));
  add(check_numbers(site_, kNodeName, http));
  add(check_numbers(site_, "http", centre));
  add(check_accounts(site_));
  return wrong_;
}

/// nullopt: the arguments are not understood.
std::optional<Options> read_options(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i], value = words[i + 1];
    if (name != "--rounds" && name != "--seed") return std::nullopt;
    std::uint64_t& option = name == "--rounds" ? options.rounds : options.seed;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), option);
    if (read.ec != std::errc{} || read.ptr != value.data() + value.size()) return std::nullopt;
  }
  if (count % 2 == 0) return std::nullopt;
  return options;
}

int run(const Options& options) {
  fmt::print("{} rounds; the same dice again: --seed {}\n", options.rounds, options.seed);
  const auto wrong = KillRounds(options).run();
  for (std::size_t i = 0; i < std::min(wrong.size(), kComplaintsShownMax); ++i) {
    fmt::print("WRONG: {}\n", wrong[i]);
  }
  fmt::print("{}\n", wrong.empty() ? "all that was answered is stored once"
                                   : fmt::format("{} things are wrong", wrong.size()));
  return wrong.empty() ? 0 : 1;
}

}  // namespace
}  // namespace fieldpost::test

int main(int argc, char** argv) {
  const auto options = fieldpost::test::read_options(argc, argv);
  if (!options) {
    fmt::print(stderr, "usage: kill_rounds [--rounds N] [--seed N]\n");
    return 2;
  }
  return fieldpost::test::run(*options);
}
