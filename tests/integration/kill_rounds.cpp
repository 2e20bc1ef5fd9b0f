// Kills agent, broker and coordinator at random instants while three producers write numbers, and
// then compares what the producers were told with what is stored. With --power-cut, what agent and
// coordinator did not sync is forgotten when they are killed; 77 where FUSE is not to be had.
//   kill_rounds [--rounds N] [--seed N] [--power-cut]
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string_view>
#include <thread>

#include "tests/support/lossy_mount.h"
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
constexpr int kKeptPercentMost = 100;  // of what was not synced
constexpr int kTwoAtOncePercent = 25;
constexpr auto kDrainMost = 90s;
constexpr std::size_t kComplaintsShownMax = 20;

enum class Victim { kAgent, kBroker, kBrokerAndItsState, kCoordinator };

struct Options {
  std::uint64_t rounds = kRoundsDefault;
  std::uint64_t seed = std::random_device{}();
  bool power_cut = false;
};

/// Where agent and coordinator keep their state when power is cut.
struct LossyDisks {
  LossyMount agent, coordinator;
};

class KillRounds {
 public:
  /// `disks` outlive this; null: no power is cut.
  KillRounds(const Options& options, LossyDisks* disks)
      : options_(options), disks_(disks), dice_(options.seed), site_(site_options(disks)) {}
  /// What is wrong at the end.
  std::vector<std::string> run();

 private:
  int roll(int least, int most) { return std::uniform_int_distribution(least, most)(dice_); }
  void pause(int least_ms, int most_ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(roll(least_ms, most_ms)));
  }
  static RealSiteOptions site_options(const LossyDisks* disks);
  void kill(Victim victim);
  void kill_agent();
  void kill_coordinator();
  void start_all();
  void round();
  void complain_about_crashes();

  Options options_;
  LossyDisks* disks_;
  std::mt19937_64 dice_;
  RealSite site_;
  std::vector<std::string> wrong_;
};

RealSiteOptions KillRounds::site_options(const LossyDisks* disks) {
  if (disks == nullptr) return {};
  return {.agent_state = disks->agent.path(), .coordinator_state = disks->coordinator.path()};
}

void KillRounds::kill_agent() {
  site_.agent().kill();
  if (disks_ != nullptr) disks_->agent.cut_power(roll(0, kKeptPercentMost));
}

void KillRounds::kill_coordinator() {
  site_.coordinator().kill();
  if (disks_ != nullptr) disks_->coordinator.cut_power(roll(0, kKeptPercentMost));
}

void KillRounds::kill(Victim victim) {
  switch (victim) {
    case Victim::kAgent: return kill_agent();
    case Victim::kCoordinator: return kill_coordinator();
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
  // What was answered last must be lasting as well.
  kill_agent();
  kill_coordinator();
  start_all();
  if (!wait_until(kDrainMost, [this] { return site_.drained(); })) {
    wrong_.push_back("the spool was not drained in time");
  }
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

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

/// nullopt: the arguments are not understood.
std::optional<Options> read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = words[i];
    if (name == "--power-cut") {
      options.power_cut = true;
      continue;
    }
    if ((name != "--rounds" && name != "--seed") || ++i == count) return std::nullopt;
    if (!read_number(words[i], name == "--rounds" ? options.rounds : options.seed)) {
      return std::nullopt;
    }
  }
  return options;
}

int run(const Options& options) {
  fmt::print("{} rounds; the same dice again: --seed {}\n", options.rounds, options.seed);
  const auto disks = options.power_cut ? std::make_unique<LossyDisks>() : nullptr;
  const auto wrong = KillRounds(options, disks.get()).run();
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
    fmt::print(stderr, "usage: kill_rounds [--rounds N] [--seed N] [--power-cut]\n");
    return 2;
  }
  if (options->power_cut && !fieldpost::test::LossyMount::possible()) {
    fmt::print(stderr, "SKIPPED: /dev/fuse is not to be had, so no power was cut\n");
    return 77;
  }
  return fieldpost::test::run(*options);
}
