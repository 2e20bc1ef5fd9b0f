#include "tools/load/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace fieldpost::load {
namespace {

using Json = nlohmann::ordered_json;

struct Latency {
  double p50 = 0, p95 = 0, p99 = 0, max = 0;  ///< ms
};

Latency latency_of(std::vector<float> seconds) {
  if (seconds.empty()) return {};
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double share) {
    const double index = std::ceil(share * static_cast<double>(seconds.size())) - 1;
    return 1000.0 * static_cast<double>(seconds[static_cast<std::size_t>(std::max(index, 0.0))]);
  };
  return {at(0.5), at(0.95), at(0.99), at(1)};
}

/// Of what was accepted or got no answer: the latter took at least as long as it waited.
Latency from_due(const Run& run) {
  std::vector<float> seconds;
  for (const RequestLog& request : run.played.requests) {
    const bool counts = request.outcome != Outcome::kRefused && request.outcome != Outcome::kFailed;
    if (counts) seconds.push_back(request.from_due_s);
  }
  return latency_of(std::move(seconds));
}

Latency from_sent(const Run& run) {
  std::vector<float> seconds;
  for (const RequestLog& request : run.played.requests) {
    if (request.outcome == Outcome::kAccepted) seconds.push_back(request.from_sent_s);
  }
  return latency_of(std::move(seconds));
}

std::size_t count_of(const Run& run, Outcome outcome) {
  const auto& all = run.played.requests;
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const auto& each) { return each.outcome == outcome; }));
}

std::size_t errors_of(const Run& run) {
  std::size_t count = 0;
  for (const auto& [kind, number] : run.played.errors) count += number;
  return count;
}

double rate_of(const Run& run) {
  const auto accepted = static_cast<double>(count_of(run, Outcome::kAccepted));
  return run.played.took_s > 0 ? accepted / run.played.took_s : 0;
}

double percent_of_core(const Run& run, double cpu_s) {
  return run.played.took_s > 0 ? 100 * cpu_s / run.played.took_s : 0;
}

std::string percent_cell(const Run& run, bench::Role role) {
  const auto daemon = run.daemons.find(role);
  return daemon == run.daemons.end()
             ? "–"
             : fmt::format("{:.0f} %", percent_of_core(run, daemon->second.cpu_s));
}

std::string ms(double value) {
  return value < 100 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

std::string row_of(const Run& run) {
  const Latency due = from_due(run);
  const Latency sent = from_sent(run);
  return fmt::format(
      "| {} | {} | {} | {} | {} | {} | {:.0f} | {} | {} | {} | {} | {}, {} | {} | {:.0f} % | {} "
      "|\n",
      run.plan.users, run.plan.requests(), count_of(run, Outcome::kAccepted),
      count_of(run, Outcome::kRefused), errors_of(run), count_of(run, Outcome::kUnsent),
      rate_of(run), ms(due.p50), ms(due.p95), ms(due.p99), ms(due.max), ms(sent.p50), ms(sent.p99),
      percent_cell(run, bench::Role::kCoordinator), percent_of_core(run, run.driver_cpu_s),
      run.check.is_sound() ? "yes" : "NO");
}

std::string table_of(const std::vector<Run>& runs, bool batched) {
  std::string rows;
  std::size_t samples = 0;
  for (const Run& run : runs) {
    if (run.plan.batched != batched) continue;
    rows += row_of(run);
    samples = run.plan.samples_each();
  }
  if (rows.empty()) return "";
  return fmt::format(
             "{} sample{} a request\n\n| users | due | accepted | 503 | errors | not sent | "
             "accepted/s | p50 ms | p95 ms | p99 ms | max ms | p50, p99 ms from sending | CPU "
             "coordinator | CPU driver | all stored once |\n",
             samples, samples == 1 ? "" : "s") +
         "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | "
         "--- "
         "|\n" +
         rows + "\n";
}

Json json_of(const Latency& latency) {
  return {{"p50", latency.p50}, {"p95", latency.p95}, {"p99", latency.p99}, {"max", latency.max}};
}

Json json_of(const Run& run) {
  Json daemons = Json::object();
  for (const auto& [role, usage] : run.daemons) {
    daemons[to_string(role)] = {{"cpu_s", usage.cpu_s}, {"pss_bytes", usage.pss_bytes}};
  }
  return {{"users", run.plan.users},
          {"samples_a_request", run.plan.samples_each()},
          {"due", run.plan.requests()},
          {"accepted", count_of(run, Outcome::kAccepted)},
          {"refused", count_of(run, Outcome::kRefused)},
          {"failed", count_of(run, Outcome::kFailed)},
          {"unanswered", count_of(run, Outcome::kUnanswered)},
          {"unsent", count_of(run, Outcome::kUnsent)},
          {"errors", run.played.errors},
          {"took_s", run.played.took_s},
          {"accepted_per_s", rate_of(run)},
          {"latency_ms", json_of(from_due(run))},
          {"latency_from_sending_ms", json_of(from_sent(run))},
          {"driver_cpu_s", run.driver_cpu_s},
          {"daemons", std::move(daemons)},
          {"samples",
           {{"accepted", run.check.accepted},
            {"missing", run.check.missing},
            {"twice", run.check.twice},
            {"strange", run.check.strange},
            {"stored_without_204", run.check.open}}},
          {"good", is_good(run)}};
}

}  // namespace

bool is_good(const Run& run) {
  return run.check.is_sound() && run.played.errors.empty();
}

std::string describe(const Run& run) {
  std::string text = fmt::format(
      "{} users, {} a request: {} of {} accepted, {} refused, {} not sent", run.plan.users,
      run.plan.samples_each(), count_of(run, Outcome::kAccepted), run.plan.requests(),
      count_of(run, Outcome::kRefused), count_of(run, Outcome::kUnsent));
  for (const auto& [kind, count] : run.played.errors) text += fmt::format(", {} {}", count, kind);
  return text + "; " + describe(run.check);
}

std::string as_tables(const std::vector<Run>& runs) {
  return table_of(runs, false) + table_of(runs, true);
}

std::string as_json(const std::vector<Run>& runs) {
  auto out = Json::array();
  for (const Run& run : runs) out.push_back(json_of(run));
  return out.dump(2) + "\n";
}

}  // namespace fieldpost::load
