// Plays the SRS load test and checks that what was accepted is stored; tools/load_srs runs it.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "proto/rt/config_value.h"
#include "tools/bench/daemon.h"
#include "tools/bench/lab.h"
#include "tools/load/figures.h"
#include "tools/load/player.h"
#include "tools/load/stored.h"

namespace {

namespace bench = fieldpost::bench;
namespace load = fieldpost::load;
namespace rt = fieldpost::rt;

constexpr int kExitUsage = 2;
constexpr std::size_t kSamplesMax = 50'000'000;  ///< of a run; each takes a byte, a request twelve
constexpr std::uint64_t kFilesBeside = 256;  ///< the coordinator's and ours, besides connections

constexpr const char* kAbout =
    "Plays the SRS load test over HTTP: users who write one sample of each sensor type every 500 "
    "ms, one sample a request over one connection each; then the same in batches. Users are due at "
    "moments spread over the period.\n\n"
    "Latency counts from when a request was due, whether or not it could be sent then; what had no "
    "answer at the end counts with the time that it waited. What a user could not send before one "
    "period after the end is \"not sent\". Refusals (503 with Retry-After) are counted apart.\n\n"
    "Then it asks the coordinator for every reading. Exit 0: all that was accepted is stored, "
    "exactly once, and there was no error but refusals; 1: not so; 2: usage.";

struct Choices {
  std::vector<std::size_t> users{50, 1000};
  std::size_t sensors = 10;
  std::string every = "500ms";
  double seconds = 60;
  std::string url;
  std::vector<std::string> only{"single", "batched"};
  bool in_step = false;
  bool json = false;
  bench::LabOptions lab;
};

std::string own_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

double own_cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of http://HOST[:PORT][/]; nothing when it is no such URL.
std::optional<bench::TcpAddress> address_of(std::string url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return {};
  url.erase(0, kScheme.size());
  if (url.ends_with('/')) url.pop_back();
  const std::size_t colon = url.rfind(':');
  std::uint16_t port = 80;
  if (colon != std::string::npos) {
    const char* const end = url.data() + url.size();
    const auto [last, failed] = std::from_chars(url.data() + colon + 1, end, port);
    if (failed != std::errc{} || last != end) return {};
    url.resize(colon);
  }
  if (url.empty() || url.find('/') != std::string::npos) return {};
  return bench::TcpAddress::look_up(url, port);
}

/// The daemons' CPU from here on.
void count_from(std::map<bench::Role, bench::Usage>& usage,
                const std::map<bench::Role, bench::Usage>& before) {
  for (auto& [role, each] : usage) each.cpu_s -= before.at(role).cpu_s;
}

load::Run play_and_check(const load::Plan& plan, const bench::TcpAddress& address,
                         bench::Lab* lab) {
  // A name of its own, so that a coordinator's other readings are left alone.
  const std::string node = fmt::format("load-srs-{}", bench::wall_ns() / 1'000'000);
  load::Run run{.plan = plan};
  fmt::print(stderr, "load_srs: {} users, {} requests in {:.0f} s\n", plan.users, plan.requests(),
             static_cast<double>(plan.duration_ns()) / 1e9);
  const auto before = lab == nullptr ? run.daemons : lab->usage();
  const double cpu_before = own_cpu_s();
  run.played = load::Player(plan, address, node).play();
  run.driver_cpu_s = own_cpu_s() - cpu_before;
  if (lab != nullptr) run.daemons = lab->usage();
  count_from(run.daemons, before);
  run.check = load::compare(plan, run.played,
                            load::ask_stored(address, node, plan, run.played.began_wall_ns));
  fmt::print(stderr, "load_srs: {}\n", load::describe(run));
  return run;
}

load::Run play(const load::Plan& plan, const Choices& choices) {
  if (!choices.url.empty()) return play_and_check(plan, *address_of(choices.url), nullptr);
  bench::Lab lab(choices.lab);
  lab.start(bench::Role::kBroker);
  lab.start(bench::Role::kCoordinator);
  return play_and_check(plan, bench::TcpAddress::of_loopback(lab.coordinator_port()), &lab);
}

std::vector<load::Plan> plans_of(const Choices& choices) {
  const std::int64_t every = rt::parse_duration(choices.every)->count();
  std::vector<load::Plan> plans;
  for (const bool batched : {false, true}) {
    const char* const name = batched ? "batched" : "single";
    if (std::find(choices.only.begin(), choices.only.end(), name) == choices.only.end()) continue;
    for (const std::size_t users : choices.users) {
      load::Plan plan{.users = users, .sensors = choices.sensors, .every_ns = every};
      plan.ticks = std::max<std::size_t>(
          static_cast<std::size_t>(choices.seconds * 1e9 / static_cast<double>(every)), 1);
      plan.batched = batched;
      plan.in_step = choices.in_step;
      plans.push_back(plan);
    }
  }
  return plans;
}

void add_options(CLI::App& app, Choices& choices) {
  app.add_option("--users", choices.users, "how many; several for as many runs (50,1000)")
      ->delimiter(',')
      ->check(CLI::Range(1, 60'000));
  app.add_option("--sensors", choices.sensors, "types, of each user (10)")
      ->check(CLI::Range(1, 1000));
  app.add_option("--every", choices.every, "between a user's samples of one type (500ms)")
      ->check([](const std::string& text) {
        const auto every = rt::parse_duration(text);
        return every && *every >= rt::Millis(1) ? "" : "expected a duration of 1ms or more";
      });
  app.add_option("--seconds", choices.seconds, "of each run (60)")
      ->check(CLI::Range(0.1, 86'400.0));
  app.add_option("--url", choices.url,
                 "of a coordinator, http://HOST:PORT (default: broker and coordinator of its own)")
      ->check([](const std::string& url) {
        return address_of(url) ? "" : "expected http://HOST:PORT";
      });
  app.add_option("--only", choices.only, "single or batched (both)")
      ->delimiter(',')
      ->check(CLI::IsMember({"single", "batched"}));
  app.add_flag("--in-step", choices.in_step, "all users are due at the same moment");
  app.add_option("--dir", choices.lab.scratch, "where scratch directories are made; not a tmpfs")
      ->check(CLI::ExistingDirectory);
  app.add_option("--binaries", choices.lab.binaries, "directory of the daemons");
  app.add_flag("--json", choices.json, "print JSON");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(kAbout);
  Choices choices;
  choices.lab.binaries = own_directory();
  choices.lab.scratch = std::filesystem::temp_directory_path().string();
  add_options(app, choices);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  const auto plans = plans_of(choices);
  for (const load::Plan& plan : plans) {
    if (plan.samples() <= kSamplesMax) continue;
    fmt::print(stderr, "load_srs: {} samples are more than {}\n", plan.samples(), kSamplesMax);
    return kExitUsage;
  }
  bench::allow_files(*std::max_element(choices.users.begin(), choices.users.end()) + kFilesBeside);
  std::vector<load::Run> runs;
  for (const load::Plan& plan : plans) runs.push_back(play(plan, choices));
  fmt::print("{}", choices.json ? load::as_json(runs) : load::as_tables(runs));
  return std::all_of(runs.begin(), runs.end(), load::is_good) ? EXIT_SUCCESS : EXIT_FAILURE;
}
