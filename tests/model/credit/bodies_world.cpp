#include "tests/model/credit/bodies_world.h"

namespace fieldpost::model::credit {
namespace {

constexpr int kRoundsMax = 12;

bool unfinished(const BodyState& s, std::size_t body) {
  return s.stored[body] > 0 && s.stored[body] < kFragments;
}

int fragments(const BodyState& s) {
  int count = 0;
  for (std::size_t body = 0; body < kBodies; ++body)
    if (unfinished(s, body)) count += s.stored[body];
  return count;
}

/// Bodies 1 and 2 share the credit of their node.
bool credit_used(const BodyState& s, std::size_t body) {
  return body == 0 ? s.flying[0] > 0 : s.flying[1] + s.flying[2] > 0;
}

}  // namespace

bool BodyWorld::publish(State& s, std::size_t body) const {
  if (credit_used(s, body) || s.stored[body] == kFragments) return false;
  s.flying[body] = 1;
  return true;
}

bool BodyWorld::arrive(State& s, std::size_t body) const {
  if (s.flying[body] == 0) return false;
  const bool full = fragments(s) >= kCap;
  const bool begun = s.stored[body] > 0;
  const bool waits = full && (begun ? !rules_.begun_goes_on : rules_.new_waits);
  if (waits && !rules_.credit_back) return false;
  s.flying[body] = 0;
  if (!waits) ++s.stored[body];
  return true;
}

const char* BodyWorld::broken(const State& state) const {
  int begun = 0;
  for (std::size_t body = 0; body < kBodies; ++body) begun += unfinished(state, body) ? 1 : 0;
  if (begun > kCap) return "more bodies are begun than the cap allows";
  State s = state;
  for (int round = 0; round < kRoundsMax; ++round)
    for (std::size_t body = 0; body < kBodies; ++body) {
      publish(s, body);
      arrive(s, body);
    }
  for (const std::uint8_t stored : s.stored)
    if (stored < kFragments) return "a body never ends";
  return nullptr;
}

std::string BodyWorld::step_text(const State& state, std::uint32_t index) const {
  std::uint32_t at = 0;
  for (std::size_t body = 0; body < kBodies; ++body)
    for (const bool arrives : {false, true}) {
      State next = state;
      if (!(arrives ? arrive(next, body) : publish(next, body))) continue;
      if (at++ != index) continue;
      return (arrives ? "arrives: fragment of body " : "publish a fragment of body ") +
             std::to_string(body + 1);
    }
  return "";
}

}  // namespace fieldpost::model::credit
