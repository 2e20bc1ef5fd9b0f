// Kills agent, broker and coordinator at random instants while three producers write numbers, and
// then compares what the producers were told with what is stored. With --power-cut, what agent and
// coordinator did not sync is forgotten when they are killed; 77 where FUSE is not to be had. With
// --ignore-sync one of them has a disk that syncs nothing, and the run must find what that loses:
// whoever could not find it would not find a sync that the product lacks.
//   kill_rounds [--rounds N] [--seed N] [--power-cut | --ignore-sync agent|coordinator]
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/lossy_mount.h"
#include "tests/support/may_skip.h"
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
/// Of a site that is known to be damaged: a node whose spool was set back for the third time in a
/// day is not welcomed, and never drains.
constexpr auto kDamagedDrainMost = 10s;
constexpr std::size_t kComplaintsShownMax = 20;
constexpr int kSkipped = 77;
constexpr const char* kCentreNode = "http";  // of what comes over the coordinator's HTTP

enum class Victim { kAgent, kBroker, kBrokerAndItsState, kCoordinator };

/// Whose power is cut, and whose disk is then none.
enum class PowerCut { kNone, kSound, kAgentIgnoresSyncs, kCoordinatorIgnoresSyncs };

struct Options {
  std::uint64_t rounds = kRoundsDefault;
  std::uint64_t seed = std::random_device{}();
  PowerCut power_cut = PowerCut::kNone;

  [[nodiscard]] bool expects_loss() const { return power_cut > PowerCut::kSound; }
};

/// Where agent and coordinator keep their state when power is cut.
struct LossyDisks {
  explicit LossyDisks(PowerCut cut)
      : agent(ignored_if(cut == PowerCut::kAgentIgnoresSyncs)),
        coordinator(ignored_if(cut == PowerCut::kCoordinatorIgnoresSyncs)) {}
  static Syncs ignored_if(bool yes) { return yes ? Syncs::kIgnored : Syncs::kHeeded; }

  LossyMount agent, coordinator;
};

class KillRounds {
 public:
  /// `disks` outlive this; null: no power is cut.
  KillRounds(const Options& options, LossyDisks* disks)
      : options_(options), disks_(disks), dice_(options.seed), site_(site_options(disks)) {}
  void run();
  /// After `run`: what is wrong, how many numbers are shown, and how many were answered and are
  /// neither shown nor held by the agent.
  [[nodiscard]] const std::vector<std::string>& wrong() const { return wrong_; }
  [[nodiscard]] std::size_t shown() const { return shown_; }
  [[nodiscard]] std::size_t lost() const { return lost_; }

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
  void complain(const std::vector<std::string>& more) {
    wrong_.insert(wrong_.end(), more.begin(), more.end());
  }
  using Producers = std::vector<const NumberedProducer*>;
  void compare(const std::map<const char*, Producers>& nodes);

  Options options_;
  LossyDisks* disks_;
  std::mt19937_64 dice_;
  RealSite site_;
  std::vector<std::string> wrong_;
  std::size_t shown_ = 0, lost_ = 0;
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

void KillRounds::run() {
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
  const auto drain_most = options_.expects_loss() ? kDamagedDrainMost : kDrainMost;
  if (!wait_until(drain_most, [this] { return site_.drained(); })) {
    wrong_.push_back("the spool was not drained in time");
  }
  complain_about_crashes();
  compare({{kNodeName, {&socket, &http}}, {kCentreNode, {&centre}}});
}

void KillRounds::compare(const std::map<const char*, Producers>& nodes) {
  std::map<const char*, std::size_t> shown;
  for (const auto& [node, producers] : nodes) {
    complain(check_accounts(site_, node));
    for (const NumberedProducer* producer : producers) {
      const Numbers numbers = load_numbers(site_, node, *producer);
      complain(check_numbers(numbers, options_.rounds));
      lost_ += lost_numbers(numbers).size();
      shown[node] += numbers.shown.size();
    }
  }
  const nlohmann::json agent = site_.node();
  lost_ -= std::min(lost_, agent.is_null() ? 0 : agent.at("held").get<std::size_t>());
  site_.coordinator().stop();
  for (const auto& [node, count] : shown) {
    shown_ += count;
    complain(check_counts(node, count_store(site_, node), count));
  }
}

bool read_number(std::string_view text, std::uint64_t& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

std::optional<PowerCut> read_whose(std::string_view word) {
  if (word == "agent") return PowerCut::kAgentIgnoresSyncs;
  if (word == "coordinator") return PowerCut::kCoordinatorIgnoresSyncs;
  return std::nullopt;
}

bool read_value(std::string_view name, std::string_view value, Options& options) {
  if (name == "--rounds") return read_number(value, options.rounds);
  if (name == "--seed") return read_number(value, options.seed);
  const auto whose = name == "--ignore-sync" ? read_whose(value) : std::nullopt;
  if (whose) options.power_cut = *whose;
  return whose.has_value();
}

/// nullopt: the arguments are not understood.
std::optional<Options> read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = words[i];
    if (name == "--power-cut") {
      options.power_cut = PowerCut::kSound;
    } else if (++i == count || !read_value(name, words[i], options)) {
      return std::nullopt;
    }
  }
  return options;
}

int show_wrong(const std::vector<std::string>& wrong) {
  for (std::size_t i = 0; i < std::min(wrong.size(), kComplaintsShownMax); ++i) {
    fmt::print("WRONG: {}\n", wrong[i]);
  }
  fmt::print("{}\n", wrong.empty() ? "all that was answered is stored once"
                                   : fmt::format("{} things are wrong", wrong.size()));
  return wrong.empty() ? 0 : 1;
}

/// A site that shows nothing any more would lose all, and prove nothing.
int show_loss(std::size_t shown, std::size_t lost) {
  const bool found = shown > 0 && lost > 0;
  fmt::print("{} numbers are shown, {} were answered and are lost: {}\n", shown, lost,
             found ? "who ignores syncs is found out" : "who ignores syncs was not found out");
  return found ? 0 : 1;
}

int run(const Options& options) {
  fmt::print("{} rounds; the same dice again: --seed {}\n", options.rounds, options.seed);
  const auto disks = options.power_cut == PowerCut::kNone
                         ? nullptr
                         : std::make_unique<LossyDisks>(options.power_cut);
  KillRounds rounds(options, disks.get());
  rounds.run();
  return options.expects_loss() ? show_loss(rounds.shown(), rounds.lost())
                                : show_wrong(rounds.wrong());
}

}  // namespace
}  // namespace fieldpost::test

int main(int argc, char** argv) {
  using namespace fieldpost::test;  // NOLINT
  const auto options = read_options(argc, argv);
  if (!options) {
    fmt::print(stderr,
               "usage: kill_rounds [--rounds N] [--seed N]"
               " [--power-cut | --ignore-sync agent|coordinator]\n");
    return 2;
  }
  if (options->power_cut != PowerCut::kNone && !LossyMount::possible()) {
    return may_skip("/dev/fuse is not to be had, so no power was cut") ? kSkipped : 1;
  }
  return run(*options);
}
