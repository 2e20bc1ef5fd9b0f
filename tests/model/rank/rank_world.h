// Who wins when several readings of one series have one time: node and HTTP writes, conflict
// renames, thin merges, and a store set back. The question is [name-5] … [name-7].
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fieldpost::model::rank {

struct Rules {
  bool rank_decides = true;    // not the order of arrival
  bool first_name = true;      // a renamed or thinned reading keeps its first name
  bool parents_first = true;   // ordinals follow the chain
  bool node_repeats = true;    // a forgotten ordinal is taken from the node
  bool ordinal_known = true;   // nothing is published before its ordinal is known
  bool past_the_clock = true;  // ordinals are never below the coordinator's clock
  bool store_repeats = true;   // an ordinal once given is not given again
  bool http_draws = true;      // each start of the coordinator draws an incarnation for HTTP
};

constexpr int kIncs = 6;
constexpr int kReadings = 3;
constexpr std::uint8_t kNone = 0xFF;

struct Incarnation {
  std::uint8_t http;
  std::uint8_t node_ordinal;   ///< as the node knows it; 0: not yet
  std::uint8_t store_ordinal;  ///< as the store knows it
  std::uint8_t announced;      ///< truth: when it got its first ordinal
};

struct Reading {
  std::uint8_t used;
  std::uint8_t inc;  ///< first name
  std::uint8_t seq;
  std::uint8_t now_inc;  ///< present name
  std::uint8_t now_seq;
  std::uint8_t stored;
};

struct Book {
  std::array<std::uint8_t, kIncs> ordinals;
  std::uint8_t counter;
  std::uint8_t winner;
  std::uint8_t stored;  ///< readings, one bit each
};

struct State {
  std::array<Incarnation, kIncs> incs;
  std::array<Reading, kReadings> readings;
  Book backup;
  std::uint8_t count;  ///< incarnations drawn
  std::uint8_t live;
  std::uint8_t given;
  std::uint8_t http;
  std::uint8_t http_given;
  std::uint8_t counter;
  std::uint8_t clock;
  std::uint8_t winner;
  std::uint8_t has_backup;
  std::uint8_t restores;
  std::uint8_t renames;
  std::uint8_t hellos;
  std::uint8_t starts;
  std::uint8_t http_starts;
};

enum class Do : std::uint8_t {
  kStartNode,
  kAccept,
  kStartHttp,
  kHttpWrite,
  kHello,
  kHelloWelcomeLost,
  kDeliver,
  kRename,
  kThin,
  kBackup,
  kRestore
};

struct Step {
  Do what;
  std::uint8_t x;
};

class World {
 public:
  using State = rank::State;
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
  std::uint8_t draw(State& s, bool http) const;
  void give_ordinal(State& s, std::uint8_t inc, std::uint8_t moment) const;
  void start_http(State& s) const;
  void hello(State& s, bool welcome_arrives) const;
  void deliver(State& s, std::uint8_t index) const;
  void restore(State& s) const;
  bool deliverable(const State& s, std::uint8_t index) const;
  bool beats(const State& s, std::uint8_t one, std::uint8_t other) const;

  Rules rules_;
};

}  // namespace fieldpost::model::rank
