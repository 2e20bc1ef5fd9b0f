#include "agent/spool/forecast.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fieldpost::agent {
namespace {

constexpr double kMemorySeconds = 600;  ///< how far back a rate looks, about

double seconds_of(rt::Nanos span) {
  return std::chrono::duration<double>(span).count();
}

/// When the spool is full; infinite when nothing arrives.
double seconds_to_fill(const SpoolTotals& totals, const ClassBytes& inflow,
                       const ShedOptions& options) {
  const double rate = std::accumulate(inflow.begin(), inflow.end(), 0.0);
  if (rate <= 0) return HUGE_VAL;
  // Kept records go first and cost nothing.
  const auto held = static_cast<double>(held_bytes(totals));
  return std::max(0.0, static_cast<double>(options.bytes_max) - held) / rate;
}

std::size_t heaviest(const ClassBytes& bytes) {
  return static_cast<std::size_t>(std::max_element(bytes.begin(), bytes.end()) - bytes.begin());
}

}  // namespace

void Inflow::add(const SpoolRecord& record, bool durable) {
  const auto index = class_index(record.record_class);
  if (!index) return;
  Arrived& arrived = arrived_[*index];
  arrived.bytes += static_cast<double>(record.body->size());
  (durable ? arrived.durable : arrived.sampled) += 1;
}

void Inflow::update(rt::Instant now) {
  const double passed = seconds_of(now - since_);
  if (passed < 1) return;
  since_ = now;
  known_s_ += passed;
  const double weight = std::max(passed / known_s_, 1 - std::exp(-passed / kMemorySeconds));
  for (std::size_t i = 0; i < rates_.size(); ++i) {
    const Arrived arrived = std::exchange(arrived_[i], {});
    const double rows =
        arrived.durable + std::min(arrived.sampled, std::ceil(passed / seconds_of(record_every_)));
    const double rate = (arrived.bytes + rows * static_cast<double>(kRowOverheadBytes)) / passed;
    rates_[i] += (rate - rates_[i]) * weight;
  }
}

std::optional<Forecast> forecast(const SpoolTotals& totals, const std::optional<OldestHeld>& oldest,
                                 std::uint64_t age_ms, const ClassBytes& inflow,
                                 const ShedOptions& options) {
  const double full_in = seconds_to_fill(totals, inflow, options);
  const double age_max = static_cast<double>(options.age_max_ms) / 1000;
  const auto aging = oldest ? class_index(oldest->record_class) : std::nullopt;
  const double oldest_s =
      aging ? static_cast<double>(age_ms - std::min(age_ms, oldest->age_ms)) / 1000 : 0;
  const double aged_in = std::max(0.0, age_max - oldest_s);
  const bool arrives = inflow[heaviest(inflow)] > 0;
  if (!arrives && !aging) return std::nullopt;
  Forecast out;
  out.seconds = static_cast<std::uint64_t>(std::max(1.0, std::min(full_in, aged_in)));
  if (aged_in <= full_in) {
    out.class_index = aging ? *aging : heaviest(inflow);
    return out;
  }
  ClassBytes then = class_bytes(totals);
  for (std::size_t i = 0; i < then.size(); ++i) then[i] += inflow[i] * full_in;
  out.class_index = class_to_shed(then, options).value_or(heaviest(then));
  return out;
}

}  // namespace fieldpost::agent
