// Exhaustive breadth-first search over the states of a small world.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace fieldpost::model {

inline std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

/// Hash of a state that is plain bytes without padding. 64 bits stand for the state: at ten million
/// states the chance that any two share one is below one in 100,000.
template <class State>
std::uint64_t hash_of(const State& state) {
  static_assert(std::has_unique_object_representations_v<State>);
  std::uint64_t hash = sizeof(State);
  const char* at = reinterpret_cast<const char*>(&state);
  std::size_t left = sizeof(State);
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = mix(hash, word);
  }
  std::uint64_t tail = 0;
  std::memcpy(&tail, at, left);
  hash = mix(hash, tail);
  return hash == 0 ? 1 : hash;
}

/// Open addressing, grows by doubling, holds hashes only.
class SeenSet {
 public:
  SeenSet() : slots_(1u << 16) {}

  /// False if the hash was there already.
  bool insert(std::uint64_t hash) {
    if (count_ * 2 > slots_.size()) grow();
    const bool fresh = place(slots_, hash);
    count_ += fresh ? 1 : 0;
    return fresh;
  }

 private:
  static bool place(std::vector<std::uint64_t>& slots, std::uint64_t hash) {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = (hash >> 7) & mask;
    while (slots[at] != 0) {
      if (slots[at] == hash) return false;
      at = (at + 1) & mask;
    }
    slots[at] = hash;
    return true;
  }

  void grow() {
    std::vector<std::uint64_t> larger(slots_.size() * 2);
    for (const std::uint64_t hash : slots_)
      if (hash != 0) place(larger, hash);
    slots_.swap(larger);
  }

  std::vector<std::uint64_t> slots_;
  std::size_t count_ = 0;
};

struct Outcome {
  std::size_t states = 0;
  bool complete = false;           ///< every reachable state was seen
  std::string violation;           ///< empty: none was found
  std::vector<std::string> trace;  ///< the shortest way to the violation
};

/// Explores `World`, which gives:
///   State, a type of plain bytes;  State start();
///   void each_step(const State&, on_step)   with on_step(State&& next), always in the same order;
///   std::string step_text(const State&, index of the step);
///   const char* broken(const State&)        the violated property, or nullptr.
template <class World>
class Search {
 public:
  using State = typename World::State;

  Search(World& world, std::size_t states_max) : world_(world), states_max_(states_max) {}

  Outcome run() {
    std::vector<State> layer;
    visit(world_.start(), 0, 0, layer);
    std::size_t first = 0;
    while (!layer.empty() && broken_ == nullptr && links_.size() < states_max_) {
      std::vector<State> next;
      for (std::size_t i = 0; i < layer.size() && broken_ == nullptr; ++i)
        expand(layer[i], static_cast<std::uint32_t>(first + i), next);
      first += layer.size();
      layer.swap(next);
    }
    return outcome(layer.empty());
  }

 private:
  struct Link {
    std::uint32_t parent;
    std::uint32_t step;
  };

  void expand(const State& state, std::uint32_t index, std::vector<State>& next) {
    std::uint32_t step = 0;
    world_.each_step(state, [&](const State& reached) {
      if (broken_ == nullptr) visit(reached, index, step, next);
      ++step;
    });
  }

  void visit(const State& state, std::uint32_t parent, std::uint32_t step,
             std::vector<State>& layer) {
    if (!seen_.insert(hash_of(state))) return;
    links_.push_back({parent, step});
    layer.push_back(state);
    broken_ = world_.broken(state);
  }

  Outcome outcome(bool complete) {
    Outcome result;
    result.states = links_.size();
    result.complete = complete && broken_ == nullptr;
    if (broken_ == nullptr) return result;
    result.violation = broken_;
    result.trace = trace_to(links_.size() - 1);
    return result;
  }

  std::vector<std::string> trace_to(std::size_t index) {
    std::vector<std::uint32_t> steps;
    for (; index != 0; index = links_[index].parent) steps.push_back(links_[index].step);
    std::vector<std::string> lines;
    State state = world_.start();
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      lines.push_back(world_.step_text(state, *step));
      std::uint32_t at = 0;
      State reached = state;
      world_.each_step(state, [&](const State& next) {
        if (at++ == *step) reached = next;
      });
      state = reached;
    }
    return lines;
  }

  World& world_;
  std::size_t states_max_;
  SeenSet seen_;
  std::vector<Link> links_;
  const char* broken_ = nullptr;
};

}  // namespace fieldpost::model
