#include "coordinator/builds/dispatch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

namespace fieldpost::coordinator {
namespace {

bool is_same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool may_take(const Runner& runner) {
  return runner.is_online && !runner.is_drained && runner.busy < runner.slots;
}

/// Whether `a` takes a job before `b`: the larger part of its slots is free.
bool is_freer(const Runner& a, const Runner& b) {
  const auto free = [](const Runner& runner) { return std::uint64_t{runner.slots - runner.busy}; };
  const std::uint64_t left = free(a) * b.slots, right = free(b) * a.slots;
  return left != right ? left > right : a.node < b.node;
}

std::string count_of(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

bool has_labels(const Runner& runner, const std::vector<std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& label) {
    return std::ranges::any_of(runner.labels,
                               [&](const std::string& has) { return is_same(has, label); });
  });
}

std::vector<Assignment> dispatch(std::vector<QueuedJob> jobs, std::vector<Runner> runners) {
  std::ranges::sort(jobs, [](const QueuedJob& a, const QueuedJob& b) {
    return std::tuple(-a.priority, a.build, a.place) < std::tuple(-b.priority, b.build, b.place);
  });
  std::vector<Assignment> out;
  for (const QueuedJob& job : jobs) {
    Runner* best = nullptr;
    for (Runner& runner : runners) {
      if (!may_take(runner) || !has_labels(runner, job.labels)) continue;
      if (best == nullptr || is_freer(runner, *best)) best = &runner;
    }
    if (best == nullptr) continue;
    best->busy += 1;
    out.push_back({job.job, best->node});
  }
  return out;
}

std::string why_waiting(const QueuedJob& job, const std::vector<Runner>& runners) {
  std::size_t fitting = 0, offline = 0, drained = 0;
  for (const Runner& runner : runners) {
    if (!has_labels(runner, job.labels)) continue;
    fitting += 1;
    if (!runner.is_online) {
      offline += 1;
    } else if (runner.is_drained) {
      drained += 1;
    } else if (may_take(runner)) {
      return "it goes next";
    }
  }
  const std::string labels =
      job.labels.empty() ? "" : fmt::format(" with {}", fmt::join(job.labels, ", "));
  if (fitting == 0) {
    return fmt::format("there is no runner{}; known runners: {}", labels, runners.size());
  }
  const std::size_t busy = fitting - offline - drained;
  std::vector<std::string> parts;
  if (busy > 0) parts.push_back(fmt::format("{} busy", busy));
  if (offline > 0) parts.push_back(fmt::format("{} offline", offline));
  if (drained > 0) parts.push_back(fmt::format("{} drained", drained));
  return fmt::format("of {}{}: {}", count_of(fitting, "runner"), labels, fmt::join(parts, ", "));
}

}  // namespace fieldpost::coordinator
