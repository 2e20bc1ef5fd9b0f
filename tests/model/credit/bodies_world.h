// Bodies in fragments under the fragment cap: [body-2], [body-3].
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace fieldpost::model::credit {

struct BodyRules {
  bool begun_goes_on = true;  // at the cap, too
  bool new_waits = true;      // at the cap no body is begun
  bool credit_back = true;    // a fragment that waits gives its credit back
};

constexpr int kBodies = 3;     ///< the last two of one node, with credit for one fragment
constexpr int kFragments = 3;  ///< of each
constexpr int kCap = 2;        ///< fragments of unfinished bodies

struct BodyState {
  std::array<std::uint8_t, kBodies> stored;  ///< fragments
  std::array<std::uint8_t, kBodies> flying;
};

class BodyWorld {
 public:
  using State = BodyState;
  explicit BodyWorld(const BodyRules& rules) : rules_(rules) {}

  State start() const { return {}; }
  const char* broken(const State& state) const;
  std::string step_text(const State& state, std::uint32_t index) const;

  template <class On>
  void each_step(const State& state, On&& on) const {
    for (std::size_t body = 0; body < kBodies; ++body)
      for (const bool arrives : {false, true}) {
        State next = state;
        if (arrives ? arrive(next, body) : publish(next, body)) on(next);
      }
  }

 private:
  bool publish(State& s, std::size_t body) const;
  bool arrive(State& s, std::size_t body) const;

  BodyRules rules_;
};

}  // namespace fieldpost::model::credit
