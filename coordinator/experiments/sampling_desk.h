#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/experiments/sampling_plan.h"
#include "coordinator/experiments/study_desk.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"

namespace fieldpost::coordinator {

/// Tells nodes how often the experiments want their sensors measured, and when that is over. What a
/// node was told is in the store, so a restart tells nothing twice. Loop thread.
class SamplingDesk {
 public:
  /// Tells a node, as Coordinator::tell_sampling does.
  using Teller = std::function<void(const std::string& node, const SamplingIntervals& every_s,
                                    std::function<void(rt::Status)> done)>;
  static constexpr rt::Nanos kLookEvery = rt::Seconds(2);
  static constexpr std::size_t kTellingMax = 64;  ///< nodes at once; the others at the next look

  SamplingDesk(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, StudyDesk& studies,
               Teller teller);
  ~SamplingDesk();
  SamplingDesk(const SamplingDesk&) = delete;
  SamplingDesk& operator=(const SamplingDesk&) = delete;
  void start() { look(); }

 private:
  using Plan = std::vector<PlannedSampling>;
  void look();
  void follow(const Plan& plan);
  void tell(const PlannedSampling& planned);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Log& log_;
  StudyDesk& studies_;
  Teller teller_;
  std::shared_ptr<KnownWishes> known_ = std::make_shared<KnownWishes>();  ///< the job's
  bool looking_ = false;
  std::size_t telling_ = 0;
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator
