#include "agent/sources/patient_intake.h"

#include <utility>

namespace fieldpost::agent {

void PatientIntake::offer(wire::ParsedLines lines, DurableOptions options, OnDone done) {
  offers_.push_back({std::move(lines), std::move(options), std::move(done)});
  if (timer_ == rt::TimerId::kNone) drain();
}

void PatientIntake::drain() {
  while (!offers_.empty()) {
    if (intake_.is_busy()) {
      timer_ = loop_.after(kRetryPause, [this] {
        timer_ = rt::TimerId::kNone;
        drain();
      });
      return;
    }
    Offer offer = std::move(offers_.front());
    offers_.pop_front();
    intake_.accept_durable(std::move(offer.lines), std::move(offer.options), std::move(offer.done));
  }
}

}  // namespace fieldpost::agent
