#pragma once

#include <cstddef>
#include <string>

#include "tools/bench/lab.h"
#include "tools/bench/report.h"

namespace fieldpost::bench {

struct Plan {
  LabOptions lab;
  std::string data;                ///< directory of recorded series
  std::size_t rounds = 3;          ///< medians are of so many
  std::size_t batches = 200;       ///< of 50,000 readings, in a round
  std::size_t drain = 10'000'000;  ///< readings of the outage
  double watch_s = 30;             ///< how long latency and idleness are looked at
  double codec_s = 0.5;            ///< a measurement of the codec
};

/// Readings/s from the agent's socket, and from its HTTP, to the coordinator's store; CPU seconds.
void measure_end_to_end(const Plan& plan, Report& report);
void measure_codec_alone(const Plan& plan, Report& report);
/// Bytes a reading on the wire and in the store.
void measure_sizes(const Plan& plan, Report& report);
/// From the socket to /api/v1/live, while nothing else happens.
void measure_live(const Plan& plan, Report& report);
/// An outage of the coordinator: taking, starting with a full spool, draining, live meanwhile.
void measure_drain(const Plan& plan, Report& report);
/// A drain over a link of 1 Mbit/s between namespaces of its own: how busy the link is, live
/// meanwhile. Says so and measures nothing where it may not make them.
void measure_link(const Plan& plan, Report& report);
/// CPU, memory and flash writes of what does little.
void measure_idle(const Plan& plan, Report& report);
/// Broker and coordinator in 2 GB with 500 nodes of 20 series at 1 s, 50 dashboards, compaction and
/// an export. Needs root and a memory cgroup; left out otherwise.
void measure_small_machine(const Plan& plan, Report& report);

/// Readings of `recorded_shapes` or of this machine, cut into batches for a producer.
[[nodiscard]] std::vector<std::string> batches_of(const std::string& lines, std::size_t lines_each);

}  // namespace fieldpost::bench
