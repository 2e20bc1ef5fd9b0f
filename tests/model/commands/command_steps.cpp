#include "tests/model/commands/command_world.h"

namespace fieldpost::model::commands {
namespace {

constexpr int kCrashesMax = 1;
constexpr int kDuplicatesMax = 1;
constexpr int kResendsMax = 1;
constexpr int kTravelsMax = 1;

std::string text_of(const Message& m) {
  const std::string id = "id " + std::to_string(m.id);
  return m.kind == 1 ? "command " + std::to_string(m.command + 1) + " as " + id
                     : "outcome of " + id;
}

}  // namespace

std::vector<Step> World::steps(const State& s) const {
  std::vector<Step> all;
  const auto add = [&](bool possible, Do what, int x = 0) {
    if (possible) all.push_back({what, static_cast<std::uint8_t>(x)});
  };
  const bool confirmed = s.session != 0 && s.session == s.confirmed;
  const bool room = s.net[kMessages - 1].kind == 0;
  for (std::uint8_t i = 0; i < kCommands; ++i) {
    const Command& command = s.commands[i];
    add(((s.issued >> i) & 1) == 0 && s.counter + 1 < kIds, Do::kIssue, i);
    const bool again = command.sent == 0 || s.resends < kResendsMax;
    add(command.fate == kOpen && confirmed && room && again && s.counter + 1 < kIds, Do::kSend, i);
    add(command.fate == kOpen && s.expired[i] == 0, Do::kExpire, i);
  }
  add(!confirmed, Do::kHello);
  for (std::uint8_t i = 0; i < kMessages; ++i) {
    add(s.net[i].kind != 0, Do::kArrive, i);
    add(s.net[i].kind != 0 && s.duplicates < kDuplicatesMax && room, Do::kArriveTwice, i);
  }
  add(s.working != 0 && room, Do::kFinish);
  add(s.session != 0 && s.crashes < kCrashesMax, Do::kCrash);
  add(s.has_backup == 0, Do::kBackup);
  add(s.has_backup != 0 && s.travels < kTravelsMax, Do::kRestore);
  add(s.has_image == 0, Do::kImage);
  add(s.has_image != 0 && s.travels < kTravelsMax, Do::kSetBack);
  return all;
}

std::string World::step_text(const State& s, std::uint32_t index) const {
  const Step step = steps(s)[index];
  const std::string command = "command " + std::to_string(step.x + 1);
  switch (step.what) {
    case Do::kIssue: return command + " is issued";
    case Do::kSend: return command + " is sent";
    case Do::kExpire: return command + " expires";
    case Do::kHello: return "hello and welcome";
    case Do::kArrive: return "arrives: " + text_of(s.net[step.x]);
    case Do::kArriveTwice: return "arrives, and will again: " + text_of(s.net[step.x]);
    case Do::kFinish: return "the node is done and reports";
    case Do::kCrash: return "node crashes and starts";
    case Do::kReport: return "outcome is reported";
    case Do::kBackup: return "backup of the store";
    case Do::kRestore: return "STORE SET BACK to the backup";
    case Do::kImage: return "image of the spool is taken";
    case Do::kSetBack: return "SPOOL SET BACK to the image";
  }
  return "";
}

}  // namespace fieldpost::model::commands
