// Credit of one pool for nodes that want it at once, die, and fall silent: [credit-1] … [credit-3].
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fieldpost::model::credit {

struct Rules {
  bool ends_with_session = true;
  bool ends_with_silence = true;  // also the end of a node that died without a word
  bool within_pool = true;        // the sum of leases stays inside the pool
  bool given_back = true;         // an idle lease goes to a node that waits
  bool event_apart = true;        // event records have a credit of their own
};

constexpr int kNodes = 2;
constexpr int kPool = 1;      // envelopes
constexpr int kLeaseMax = 1;  // of one node

struct Node {
  std::uint8_t alive;
  std::uint8_t session;
  std::uint8_t lease;    ///< as the coordinator counts it
  std::uint8_t credit;   ///< as the node knows it
  std::uint8_t flying;   ///< published in this session and not settled
  std::uint8_t lost;     ///< ... of these, never to be answered
  std::uint8_t waiting;  ///< ... of these, arrived and without a verdict (no room)
  std::uint8_t left;     ///< records to send
  std::uint8_t gap;      ///< event record to send; room is made by it
};

struct State {
  std::array<Node, kNodes> nodes;
  std::uint8_t granted;
  std::uint8_t hellos;
  std::uint8_t losses;
  std::uint8_t deaths;
};

enum class Do : std::uint8_t {
  kHello,
  kPublish,
  kPublishGap,
  kArrive,
  kWait,
  kLose,
  kDie,
  kSilence,
  kGiveBack
};

struct Step {
  Do what;
  std::uint8_t node;
};

class World {
 public:
  using State = credit::State;
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
  bool possible(const State& s, const Step& step) const;
  void take(State& s, const Step& step) const;
  void grant(State& s, Node& node) const;
  void release(State& s, Node& node) const;
  void calm(State& s) const;

  Rules rules_;
};

}  // namespace fieldpost::model::credit
