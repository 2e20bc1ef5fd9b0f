// Commands from one coordinator to one node, acted on at most once: [cmd-1] … [cmd-5].
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fieldpost::model::commands {

struct Rules {
  bool past_the_clock = true;  // an id is never below the coordinator's clock
  bool session = true;         // a command is obeyed only in the session it was signed for
  bool inbox_first = true;     // in the inbox before acting
  bool interrupted = true;     // found in the inbox without outcome at start: `interrupted`
  bool same_id = true;         // sent again under its own id
  bool known_id = true;        // an id in the inbox is not acted on again
  bool expiry = true;          // not acted on after its expiry
  bool closed = true;          // what was sent to another process of the node is not sent again
  bool restart_closes = true;  // ... and not only when the branch shows that it was set back
};

constexpr int kCommands = 2;
constexpr int kIds = 6;
constexpr int kMessages = 3;
constexpr std::uint8_t kUnused = 0xFF;

enum Fate : std::uint8_t { kNotIssued, kOpen, kAnswered, kUnknown };

struct Command {
  std::uint8_t id;
  Fate fate;
  std::uint8_t sent;
  std::uint8_t unused;
};

/// One id in the node's inbox.
struct Entry {
  std::uint8_t command;  ///< plus 1; 0: id not seen
  std::uint8_t outcome;  ///< 0: none yet
};

struct Message {
  std::uint8_t kind;  ///< 0 none, 1 command, 2 outcome
  std::uint8_t id;
  std::uint8_t command;
  std::uint8_t nonce;
};

struct State {
  std::array<Command, kCommands> commands;  ///< as the store has them
  std::array<Command, kCommands> backup;
  std::array<Entry, kIds> inbox;
  std::array<Entry, kIds> image;
  std::array<Message, kMessages> net;
  std::array<std::uint8_t, kCommands> acted;
  std::array<std::uint8_t, kCommands> expired;
  std::uint8_t counter;
  std::uint8_t backup_counter;
  std::uint8_t backup_stated;
  std::uint8_t has_backup;
  std::uint8_t has_image;
  std::uint8_t clock;
  std::uint8_t nonces;
  std::uint8_t session;        ///< nonce of the node's session; 0: none
  std::uint8_t confirmed;      ///< nonce of the session that the coordinator knows
  std::uint8_t working;        ///< id + 1 that is being acted on in memory
  std::uint8_t process;        ///< of the node: its live incarnation
  std::uint8_t image_process;  ///< that was live when the image was taken
  std::uint8_t stated;         ///< process of the last hello
  std::uint8_t branched;       ///< set back to before that one, and no hello since [back-1]
  std::uint8_t travels;
  std::uint8_t crashes;
  std::uint8_t duplicates;
  std::uint8_t resends;
  std::uint8_t issued;    ///< commands that were issued once, one bit each
  std::uint8_t late;      ///< acted on after its expiry
  std::uint8_t mixed_up;  ///< an outcome was taken for another command's
};

enum class Do : std::uint8_t {
  kIssue,
  kSend,
  kExpire,
  kHello,
  kArrive,
  kArriveTwice,
  kFinish,
  kCrash,
  kReport,
  kBackup,
  kRestore,
  kImage,
  kSetBack
};

struct Step {
  Do what;
  std::uint8_t x;
};

class World {
 public:
  using State = commands::State;
  explicit World(const Rules& rules) : rules_(rules) {}

  State start() const;
  const char* broken(const State& state) const;
  std::string step_text(const State& state, std::uint32_t index) const;

  template <class On>
  void each_step(const State& state, On&& on) const {
    for (const Step& step : steps(state)) {
      State next = state;
      take(next, step);
      on(next);
    }
  }

 private:
  std::vector<Step> steps(const State& s) const;
  void take(State& s, const Step& step) const;
  void issue(State& s, std::uint8_t command) const;
  void send(State& s, std::uint8_t command) const;
  void hello(State& s) const;
  void arrive(State& s, const Message& m) const;
  void act(State& s, const Message& m) const;
  void finish(State& s) const;
  void crash(State& s) const;
  void calm(State& s) const;

  Rules rules_;
};

}  // namespace fieldpost::model::commands
