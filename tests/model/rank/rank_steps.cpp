#include "tests/model/rank/rank_world.h"

namespace fieldpost::model::rank {
namespace {

constexpr int kStartsMax = 2;
constexpr int kHttpStartsMax = 2;
constexpr int kHellosMax = 2;
constexpr int kRenamesMax = 1;

std::string text_of(const Reading& r) {
  return "reading " + std::to_string(r.inc + 1) + "." + std::to_string(r.seq);
}

}  // namespace

std::vector<Step> World::steps(const State& s) const {
  std::vector<Step> all;
  const auto add = [&](bool possible, Do what, int x = 0) {
    if (possible) all.push_back({what, static_cast<std::uint8_t>(x)});
  };
  const bool room = s.count < kIncs;
  const bool reading = !s.readings[kReadings - 1].used;
  const bool hello = s.live != kNone && s.hellos < kHellosMax;
  add(room && s.starts < kStartsMax, Do::kStartNode);
  add(reading && s.live != kNone, Do::kAccept);
  add(room && s.http_starts < kHttpStartsMax, Do::kStartHttp);
  add(reading && s.http != kNone, Do::kHttpWrite);
  add(hello, Do::kHello);
  add(hello, Do::kHelloWelcomeLost);
  for (std::uint8_t i = 0; i < kReadings; ++i) {
    const Reading& r = s.readings[i];
    add(deliverable(s, i), Do::kDeliver, i);
    const bool held = r.used && !s.incs[r.inc].http && s.renames < kRenamesMax;
    add(held && room, Do::kRename, i);
    add(held, Do::kThin, i);
  }
  add(!s.has_backup, Do::kBackup);
  add(s.has_backup && s.restores == 0, Do::kRestore);
  return all;
}

std::string World::step_text(const State& s, std::uint32_t index) const {
  const Step step = steps(s)[index];
  const std::string next = std::to_string(s.count + 1);
  switch (step.what) {
    case Do::kStartNode: return "node starts, incarnation " + next;
    case Do::kAccept: return "node accepts a reading";
    case Do::kStartHttp: return "coordinator starts, incarnation " + next + " for HTTP";
    case Do::kHttpWrite: return "write over HTTP";
    case Do::kHello: return "hello and welcome";
    case Do::kHelloWelcomeLost: return "hello, the welcome is lost";
    case Do::kDeliver: return "arrives: " + text_of(s.readings[step.x]);
    case Do::kRename: return "conflict, renamed: " + text_of(s.readings[step.x]);
    case Do::kThin: return "merged into a newer record: " + text_of(s.readings[step.x]);
    case Do::kBackup: return "backup of the store";
    case Do::kRestore: return "STORE SET BACK to the backup";
  }
  return "";
}

}  // namespace fieldpost::model::rank
