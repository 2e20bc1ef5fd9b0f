// Everything that can happen next.
#pragma once

#include <string>
#include <vector>

#include "tests/model/session/protocol.h"

namespace fieldpost::model::session {

enum class Do : std::uint8_t {
  kStartNode,
  kCrashNode,
  kAcceptDurable,
  kAcceptSampled,
  kWriteSpool,
  kHello,
  kPublish,
  kReplay,
  kShed,
  kLateGap,
  kThin,
  kMerge,
  kEvict,
  kBeginSalvage,
  kFinishSalvage,
  kTakeImage,
  kTakeMemoryImage,
  kSetBack,
  kClone,
  kStartCoordinator,
  kCrashCoordinator,
  kBackup,
  kRestore,
  kDeliver,
  kDeliverTwice,
  kNeed,
  kCommit,
  kReprocess,
  kStoreDangling,
  kDataLoss,
  kDeclare
};

struct Step {
  Do what;
  std::uint8_t x = 0;
  std::uint8_t y = 0;
  Verdict wish = kStored;
};

/// Sessions in one step: for scenarios whose question is not how a session begins.
struct Manner {
  bool quick_sessions = false;
  bool swap = false;  ///< what is set back is kept, and comes back the next time
};

void list_steps(const Protocol& p, const State& s, std::vector<Step>& steps);
void take_step(Protocol& p, State& s, const Step& step, const Manner& manner);
std::string describe(const Protocol& p, const State& s, const Step& step);

}  // namespace fieldpost::model::session
