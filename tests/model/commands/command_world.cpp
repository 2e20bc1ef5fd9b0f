#include "tests/model/commands/command_world.h"

#include <algorithm>

namespace fieldpost::model::commands {
namespace {

constexpr int kRoundsMax = 5;
constexpr std::uint8_t kInterrupted = 0xFE;

void post(State& s, const Message& m) {
  for (Message& slot : s.net) {
    if (slot.kind != 0) continue;
    slot = m;
    break;
  }
  std::sort(s.net.begin(), s.net.end(), [](const Message& one, const Message& other) {
    const auto key = [](const Message& x) {
      return x.kind == 0 ? 0xFFFFFF : x.kind * 65536 + x.id * 256 + x.command * 16 + x.nonce;
    };
    return key(one) < key(other);
  });
}

void report(State& s, std::uint8_t id) {
  post(s, {2, id, s.inbox[id].command, 0});
}

}  // namespace

State World::start() const {
  return {};
}

void World::issue(State& s, std::uint8_t command) const {
  s.issued |= static_cast<std::uint8_t>(1u << command);
  ++s.clock;
  ++s.counter;
  if (rules_.past_the_clock) s.counter = std::max(s.counter, s.clock);
  s.commands[command] = Command{s.counter, kOpen, 0, 0};
}

void World::send(State& s, std::uint8_t index) const {
  Command& command = s.commands[index];
  if (command.sent != 0 && !rules_.same_id) command.id = ++s.counter;
  s.resends = static_cast<std::uint8_t>(s.resends + command.sent);
  command.sent = 1;
  post(s, {1, command.id, index, s.confirmed});
}

void World::hello(State& s) const {
  s.session = s.confirmed = ++s.nonces;
  if (rules_.session)  // nobody obeys them any more
    for (Message& m : s.net)
      if (m.kind == 1) m = Message{};
  post(s, Message{});
  const bool other = rules_.restart_closes ? s.process != s.stated : s.branched != 0;
  s.stated = s.process;
  if (other && rules_.closed)
    for (Command& command : s.commands)
      if (command.fate == kOpen && command.sent != 0) command.fate = kUnknown;
  s.branched = 0;
}

void World::act(State& s, const Message& m) const {
  if (s.expired[m.command] != 0 && rules_.expiry) {
    s.inbox[m.id] = Entry{static_cast<std::uint8_t>(m.command + 1), kInterrupted};
    report(s, m.id);
    return;
  }
  s.late |= s.expired[m.command];
  ++s.acted[m.command];
  s.working = static_cast<std::uint8_t>(m.id + 1);
  s.inbox[m.id].command = static_cast<std::uint8_t>(m.command + 1);
}

void World::arrive(State& s, const Message& m) const {
  if (m.kind == 2) {
    for (std::uint8_t i = 0; i < kCommands; ++i) {
      Command& command = s.commands[i];
      if ((command.fate != kOpen && command.fate != kUnknown) || command.id != m.id) continue;
      command.fate = kAnswered;
      s.mixed_up |= m.command != i + 1 ? 1 : 0;
    }
    return;
  }
  if (s.session == 0 || (rules_.session && m.nonce != s.session)) return;
  if (s.working == m.id + 1) return;
  if (s.inbox[m.id].command != 0 && rules_.known_id) {
    if (s.inbox[m.id].outcome != 0) report(s, m.id);
    return;
  }
  if (s.working == 0) act(s, m);
}

void World::finish(State& s) const {
  const auto id = static_cast<std::uint8_t>(s.working - 1);
  s.working = 0;
  s.inbox[id].outcome = 1;
  report(s, id);
}

void World::crash(State& s) const {
  for (Entry& entry : s.inbox) {
    if (entry.command == 0 || entry.outcome != 0) continue;
    if (!rules_.inbox_first) entry = Entry{};
    if (rules_.inbox_first && rules_.interrupted) entry.outcome = kInterrupted;
  }
  s.working = s.session = 0;
  ++s.process;
}

void World::take(State& s, const Step& step) const {
  const std::uint8_t x = step.x;
  switch (step.what) {
    case Do::kIssue: issue(s, x); break;
    case Do::kSend: send(s, x); break;
    case Do::kExpire: s.expired[x] = 1; break;
    case Do::kHello: hello(s); break;
    case Do::kArrive: {
      const Message m = s.net[x];
      s.net[x] = Message{};
      post(s, Message{});
      arrive(s, m);
      break;
    }
    case Do::kArriveTwice:
      ++s.duplicates;
      arrive(s, s.net[x]);
      break;
    case Do::kFinish: finish(s); break;
    case Do::kCrash:
      ++s.crashes;
      crash(s);
      break;
    case Do::kReport: report(s, x); break;
    case Do::kBackup:
      s.backup = s.commands;
      s.backup_counter = s.counter;
      s.backup_stated = s.stated;
      s.has_backup = 1;
      break;
    case Do::kRestore:
      ++s.travels;
      s.commands = s.backup;
      s.counter = s.backup_counter;
      s.stated = s.backup_stated;
      s.confirmed = 0;
      break;
    case Do::kImage:
      s.image = s.inbox;
      s.has_image = 1;
      s.image_process = s.process;
      break;
    case Do::kSetBack:
      ++s.travels;
      s.inbox = s.image;
      crash(s);
      s.branched = s.image_process < s.stated ? 1 : 0;
      break;
  }
}

/// Late messages arrive, the node keeps its session, everything open is sent once more.
void World::calm(State& s) const {
  for (int round = 0; round < kRoundsMax; ++round) {
    while (s.net[0].kind != 0) {
      take(s, {Do::kArrive, 0});
      if (s.working != 0) finish(s);
    }
    if (s.working != 0) finish(s);
    if (s.session == 0 || s.session != s.confirmed) hello(s);
    for (std::uint8_t i = 0; i < kCommands; ++i)
      if (s.commands[i].fate == kOpen) send(s, i);
  }
}

const char* World::broken(const State& state) const {
  State s = state;
  calm(s);
  if (s.late != 0) return "acted on after its expiry";
  if (s.mixed_up != 0) return "an outcome is taken for another command's";
  for (const std::uint8_t times : s.acted)
    if (times > 1) return "acted on twice";
  for (const Command& command : s.commands)
    if (command.fate == kOpen) return "a command is never answered";
  return nullptr;
}

}  // namespace fieldpost::model::commands
