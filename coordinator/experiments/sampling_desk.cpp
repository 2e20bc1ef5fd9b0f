#include "coordinator/experiments/sampling_desk.h"

#include <utility>

namespace fieldpost::coordinator {

using rt::Result;
using rt::Status;

SamplingDesk::SamplingDesk(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log,
                           StudyDesk& studies, Teller teller)
    : loop_(loop), clock_(clock), log_(log), studies_(studies), teller_(std::move(teller)) {}

SamplingDesk::~SamplingDesk() {
  *alive_ = false;
  loop_.cancel(timer_);
}

void SamplingDesk::look() {
  timer_ = loop_.after(kLookEvery, [this] { look(); });
  // What is being told is not in the store yet, and would be told again.
  if (looking_ || telling_ > 0) return;
  looking_ = true;
  studies_.ask<Plan>(
      [known = known_](StudyReader& reader) { return plan_sampling(reader.studies, *known); },
      [this, alive = alive_](const Result<Plan>& plan) {
        if (!*alive) return;
        looking_ = false;
        if (plan) return follow(*plan);
        log_.warning("how often to measure: {}", plan.error().message);
      });
}

void SamplingDesk::follow(const Plan& plan) {
  const rt::UnixTime now = clock_.now();
  for (const PlannedSampling& planned : plan) {
    if (telling_ >= kTellingMax) return;
    if (planned.is_due(now)) tell(planned);
  }
}

void SamplingDesk::tell(const PlannedSampling& planned) {
  telling_ += 1;
  const std::string& node = planned.told.node;
  teller_(node, planned.wanted,
          [this, alive = alive_, node, every_s = planned.wanted](const Status& told) {
            if (!*alive) return;
            telling_ -= 1;
            if (told) {
              log_.info("node {} is told how often to measure: {}", node,
                        encode_intervals(every_s));
            } else if (told.error().code != rt::Errc::kUnavailable) {
              log_.warning("telling node {} how often to measure: {}", node, told.error().message);
            }
          });
}

}  // namespace fieldpost::coordinator
