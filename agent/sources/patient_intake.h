#pragma once

#include <deque>
#include <functional>

#include "agent/intake.h"
#include "proto/rt/loop.h"

namespace fieldpost::agent {

/// Hands readings to the intake in order, waiting while it is busy. Its users bound what they
/// offer.
class PatientIntake {
 public:
  using OnDone = std::function<void(rt::Result<Accepted>)>;
  static constexpr rt::Nanos kRetryPause = rt::Millis{5};

  PatientIntake(rt::Loop& loop, Intake& intake) : loop_(loop), intake_(intake) {}
  ~PatientIntake() { loop_.cancel(timer_); }
  PatientIntake(const PatientIntake&) = delete;
  PatientIntake& operator=(const PatientIntake&) = delete;

  /// `done` as for Intake::accept_durable. It may come after this object is gone.
  void offer(wire::ParsedLines lines, DurableOptions options, OnDone done);

 private:
  struct Offer {
    wire::ParsedLines lines;
    DurableOptions options;
    OnDone done;
  };
  void drain();

  rt::Loop& loop_;
  Intake& intake_;
  std::deque<Offer> offers_;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent
