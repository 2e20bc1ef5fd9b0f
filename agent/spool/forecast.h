#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "agent/spool/shedding.h"
#include "proto/rt/time.h"

namespace fieldpost::agent {

/// How fast readings arrive, as the room that they would take in the spool: they take none while
/// the link is up, but the question is for how long the node could do without one. Loop thread.
class Inflow {
 public:
  /// Without a link, a class of sampled readings makes a record each `record_every` at most.
  Inflow(rt::Instant now, rt::Nanos record_every) : since_(now), record_every_(record_every) {}

  void add(const SpoolRecord& record, bool durable);
  /// Takes what came since the last call into the rates. Calls within a second add nothing.
  void update(rt::Instant now);
  [[nodiscard]] const ClassBytes& bytes_per_second() const { return rates_; }

 private:
  struct Arrived {
    double bytes = 0;
    double durable = 0, sampled = 0;  ///< records
  };
  std::array<Arrived, wire::kReadingClassesMax> arrived_{};
  ClassBytes rates_{};
  rt::Instant since_;
  double known_s_ = 0;  ///< how long rates have been taken
  rt::Nanos record_every_;
};

/// What is lost first if nothing is delivered from now on.
struct Forecast {
  std::uint64_t seconds = 0;  ///< at least 1
  std::size_t class_index = 0;
};

/// nullopt: nothing is held and nothing arrives. Where no class may be shed, it is the class whose
/// producers are refused. `age_ms` is the spool's age now.
[[nodiscard]] std::optional<Forecast> forecast(const SpoolTotals& totals,
                                               const std::optional<OldestHeld>& oldest,
                                               std::uint64_t age_ms, const ClassBytes& inflow,
                                               const ShedOptions& options);

}  // namespace fieldpost::agent
