#include "tests/model/credit/credit_world.h"

#include <algorithm>

namespace fieldpost::model::credit {
namespace {

constexpr int kHellosMax = 4;
constexpr int kLossesMax = 2;
constexpr int kDeathsMax = 1;
constexpr int kRoundsMax = 12;

bool somebody_waits(const State& s, const Node& but) {
  return std::any_of(s.nodes.begin(), s.nodes.end(), [&](const Node& n) {
    return &n != &but && n.alive && n.session && n.lease == 0;
  });
}

}  // namespace

State World::start() const {
  State s{};
  for (Node& node : s.nodes) node = Node{1, 0, 0, 0, 0, 0, 0, 2, 1};
  s.nodes[1].left = 1;
  return s;
}

void World::grant(State& s, Node& node) const {
  const int left = rules_.within_pool ? kPool - s.granted : kLeaseMax;
  if (node.lease != 0 || left <= 0) return;
  node.lease = static_cast<std::uint8_t>(std::min(left, kLeaseMax));
  s.granted = static_cast<std::uint8_t>(s.granted + node.lease);
}

void World::release(State& s, Node& node) const {
  s.granted = static_cast<std::uint8_t>(s.granted - node.lease);
  node.lease = 0;
}

bool World::possible(const State& s, const Step& step) const {
  const Node& n = s.nodes[step.node];
  const bool up = n.alive && n.session;
  switch (step.what) {
    case Do::kHello: return n.alive != 0;
    case Do::kPublish: return up && n.left > n.flying && n.flying < n.credit;
    case Do::kPublishGap: return up && n.gap && (rules_.event_apart || n.flying < n.credit);
    case Do::kArrive: return up && n.flying > n.lost + n.waiting;
    case Do::kWait: return up && n.gap && n.flying > n.lost + n.waiting;
    case Do::kLose: return n.flying > n.lost + n.waiting;
    case Do::kDie: return n.alive != 0;
    case Do::kSilence: return !n.alive && n.lease > 0 && rules_.ends_with_silence;
    case Do::kGiveBack:
      return up && n.lease > 0 && n.flying == 0 && rules_.given_back && somebody_waits(s, n);
  }
  return false;
}

void World::take(State& s, const Step& step) const {
  Node& n = s.nodes[step.node];
  switch (step.what) {
    case Do::kHello:
      if (rules_.ends_with_session) release(s, n);
      n.session = 1;
      n.flying = n.lost = n.waiting = 0;
      if (rules_.ends_with_session || n.lease == 0) grant(s, n);
      n.credit = n.lease;
      if (!rules_.ends_with_session) n.lease = 0;
      break;
    case Do::kPublish: ++n.flying; break;
    case Do::kPublishGap:
      n.gap = 0;
      n.flying = static_cast<std::uint8_t>(n.flying - n.waiting);
      n.left = static_cast<std::uint8_t>(n.left - n.waiting);
      n.waiting = 0;
      break;
    case Do::kArrive:
      --n.flying;
      --n.left;
      if (rules_.ends_with_session) grant(s, n);
      n.credit = std::max(n.credit, n.lease);
      break;
    case Do::kWait: ++n.waiting; break;
    case Do::kLose:
      ++n.lost;
      ++s.losses;
      break;
    case Do::kDie:
      n.alive = n.session = 0;
      ++s.deaths;
      break;
    case Do::kSilence: release(s, n); break;
    case Do::kGiveBack:
      release(s, n);
      n.credit = 0;
      break;
  }
  if (step.what == Do::kHello) ++s.hellos;
}

std::vector<Step> World::steps(const State& s) const {
  std::vector<Step> all;
  for (std::uint8_t node = 0; node < kNodes; ++node)
    for (const Do what : {Do::kHello, Do::kPublish, Do::kPublishGap, Do::kArrive, Do::kWait,
                          Do::kLose, Do::kDie, Do::kSilence, Do::kGiveBack}) {
      if (what == Do::kHello && s.hellos >= kHellosMax) continue;
      if (what == Do::kLose && s.losses >= kLossesMax) continue;
      if (what == Do::kDie && s.deaths >= kDeathsMax) continue;
      if (possible(s, {what, node})) all.push_back({what, node});
    }
  return all;
}

/// Nothing is lost any more; a node that is starved or unanswered says hello again, and one that
/// has nothing to send stays in its session.
void World::calm(State& s) const {
  for (int round = 0; round < kRoundsMax; ++round)
    for (std::uint8_t node = 0; node < kNodes; ++node) {
      Node& n = s.nodes[node];
      const auto can = [&](Do what) { return possible(s, {what, node}); };
      if (can(Do::kSilence)) take(s, {Do::kSilence, node});
      if (can(Do::kGiveBack)) take(s, {Do::kGiveBack, node});
      const bool unanswered = n.lost > 0;
      const bool starved = (n.left > 0 || (n.gap && !rules_.event_apart)) && n.credit == 0;
      if (n.alive && (n.left > 0 || n.gap) && (!n.session || unanswered || starved))
        take(s, {Do::kHello, node});
      for (const Do what : {Do::kPublishGap, Do::kPublish, Do::kArrive})
        if (can(what)) take(s, {what, node});
    }
}

const char* World::broken(const State& state) const {
  int sum = 0;
  for (const Node& n : state.nodes) sum += n.lease;
  if (sum > kPool) return "more is granted than the pool has";
  State s = state;
  calm(s);
  for (const Node& n : s.nodes) {
    if (n.alive && n.gap) return "a gap cannot leave";
    if (n.alive && n.left > 0) return "a node starves";
  }
  return nullptr;
}

std::string World::step_text(const State& s, std::uint32_t index) const {
  const Step step = steps(s)[index];
  const auto what = [&] {
    switch (step.what) {
      case Do::kHello: return "hello and welcome";
      case Do::kPublish: return "publishes";
      case Do::kPublishGap: return "publishes its gap, settled";
      case Do::kArrive: return "record arrives, receipt";
      case Do::kWait: return "record arrives and waits for the gap";
      case Do::kLose: return "record is lost on the way";
      case Do::kDie: return "dies without a word";
      case Do::kSilence: return "silent for 60 s";
      case Do::kGiveBack: return "idle, its lease is taken back";
    }
    return "";
  };
  return "node " + std::to_string(step.node + 1) + ": " + what();
}

}  // namespace fieldpost::model::credit
