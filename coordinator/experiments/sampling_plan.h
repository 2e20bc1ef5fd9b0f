#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "coordinator/experiments/study.h"
#include "coordinator/store/sampling_table.h"
#include "coordinator/store/studies.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// A node that could not do as it was told is told again after this, or when its agent starts
/// again.
inline constexpr rt::Nanos kSamplingRetry = std::chrono::hours(1);

/// By the sensors' patterns of nodes.
using WishesByPattern = std::map<std::string, SamplingIntervals>;
/// How often an experiment wants its sensors measured.
struct SamplingWishes {
  std::vector<std::string> nodes;  ///< the experiment's patterns
  WishesByPattern by_pattern;
  [[nodiscard]] bool is_empty() const { return by_pattern.empty(); }
};
/// Nothing unless it is ready, recording or paused.
[[nodiscard]] SamplingWishes wishes_of(const Experiment& experiment,
                                       const std::vector<Sensor>& sensors);
/// Of each measurement the shortest interval; of more than wire::kSamplingHintsMax measurements
/// those with the shortest.
[[nodiscard]] SamplingIntervals wanted_of(const std::vector<SamplingWishes>& wishes,
                                          std::string_view node);

/// What a node was told, and what it should be.
struct PlannedSampling {
  ToldSampling told;
  SamplingIntervals wanted;  ///< of all experiments together
  /// Whether it goes by what is wanted, as far as anybody knows.
  [[nodiscard]] SamplingState state() const;
  [[nodiscard]] bool is_due(rt::UnixTime now) const;  ///< it has to be told
};
/// What the sensor configs wish that experiments had at the last plan. A version never changes, so
/// it is read and parsed for the first plan only.
using KnownWishes = std::map<std::pair<std::string, std::int64_t>, WishesByPattern>;
/// Of every node with an agent for which something is wanted, or that was told something; by node.
rt::Result<std::vector<PlannedSampling>> plan_sampling(Studies& studies, KnownWishes& known);
/// The same of the nodes that an experiment has wishes for, at most `limit`.
rt::Result<std::vector<PlannedSampling>> plan_sampling(Studies& studies,
                                                       const Experiment& experiment,
                                                       std::size_t limit);

}  // namespace fieldpost::coordinator
