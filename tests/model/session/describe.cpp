// Traces for people.
#include "tests/model/session/steps.h"

namespace fieldpost::model::session {
namespace {

std::string text(Name name) {
  return std::to_string(inc_of(name) + 1) + "." + std::to_string(name % kSeqs + 1);
}

std::string text_of(Names names) {
  std::string all;
  for (Name n = 0; n < 32; ++n)
    if (names & bit(n)) all += (all.empty() ? "" : " ") + text(n);
  return "{" + all + "}";
}

const char* text_of(Verdict verdict) {
  switch (verdict) {
    case kStored: return "stored";
    case kGapped: return "gapped";
    case kRefused: return "refused";
    case kQuarantined: return "quarantined";
    case kConflict: return "conflict";
  }
  return "";
}

std::string text_of(const Protocol& p, const Message& m) {
  const std::string nonce = " #" + std::to_string(m.nonce);
  switch (m.kind) {
    case kNothing: return "nothing";
    case kHello:
      return "hello" + nonce + ", live " + std::to_string(m.subject + 1) + ", stated " +
             text_of(m.a) + " held " + text_of(m.b) + " kept " + text_of(m.c);
    case kChallenge: return "challenge" + nonce;
    case kAnswer: return "answer" + nonce;
    case kWelcome:
      return "welcome" + nonce + ", gapped " + text_of(m.a) + " missing " + text_of(m.b) +
             " stored " + text_of(m.c) + " quarantined " + text_of(m.d) +
             (m.detail ? ", live incarnation ended" : "");
    case kRecord: {
      const Names gaps = p.bodies[m.body].gaps;
      return std::string(m.detail ? "replay " : "record ") + text(m.subject) +
             (gaps ? " with gap " + text_of(gaps) : "") + " of session" + nonce;
    }
    case kReceipt:
      return "receipt" + nonce + ": " + text(m.subject) + " " +
             text_of(static_cast<Verdict>(m.detail));
  }
  return "";
}

std::string record_text(const State& s, const Step& step, int index) {
  return text(s.nodes[step.x].records[static_cast<std::size_t>(index)].name);
}

std::string plain_text(const Protocol& p, const State& s, const Step& step) {
  const std::string record = step.y < kRecords ? record_text(s, step, step.y) : "";
  const auto pair = [&] {
    return record_text(s, step, step.y / 16) + " and " + record_text(s, step, step.y % 16);
  };
  switch (step.what) {
    case Do::kStartNode: return "node starts";
    case Do::kCrashNode: return "node crashes";
    case Do::kAcceptDurable: return "accept, durable";
    case Do::kAcceptSampled: return "accept, sampled";
    case Do::kWriteSpool: return "write sampled records to the spool";
    case Do::kHello: return "say hello #" + std::to_string(s.nonces + 1);
    case Do::kPublish: return "publish " + record;
    case Do::kReplay: return "replay " + record;
    case Do::kShed: return "shed " + record;
    case Do::kLateGap: return "write the gap of what was shed";
    case Do::kThin: return "thin: of " + pair() + " the first stays";
    case Do::kMerge: return "merge gaps " + pair();
    case Do::kEvict: return "delete kept " + record;
    case Do::kBeginSalvage: return "spool damaged, " + record + " unreadable, salvage begins";
    case Do::kFinishSalvage: return "salvage ends";
    case Do::kTakeImage: return "image of the spool is taken";
    case Do::kTakeMemoryImage: return "image of spool and memory is taken";
    case Do::kSetBack: return "SPOOL SET BACK to the image";
    case Do::kClone: return "SECOND MACHINE from the image";
    case Do::kStartCoordinator: return "coordinator starts";
    case Do::kCrashCoordinator: return "coordinator crashes";
    case Do::kBackup: return "backup of the store";
    case Do::kRestore: return "STORE SET BACK to the backup";
    case Do::kDeliver: return "arrives: " + text_of(p, s.net[step.x]);
    case Do::kDeliverTwice: return "arrives, and will again: " + text_of(p, s.net[step.x]);
    case Do::kNeed: return "a definition is needed for " + text_of(p, s.net[step.x]);
    case Do::kCommit: return "commit of what arrived";
    case Do::kReprocess: return std::string(step.y ? "understood: " : "given up: ") + text(step.x);
    case Do::kStoreDangling: return "store what left quarantine";
    case Do::kDataLoss: return "the store loses data, not names";
    case Do::kDeclare: return "operator declares what was left behind";
  }
  return "";
}

}  // namespace

std::string describe(const Protocol& p, const State& s, const Step& step) {
  std::string line = plain_text(p, s, step);
  if (s.cloned != 0 && step.what <= Do::kFinishSalvage)
    line = (step.x == 0 ? "first machine: " : "second machine: ") + line;
  return step.wish == kStored ? line : line + " -> " + text_of(step.wish);
}

}  // namespace fieldpost::model::session
