#include "tests/model/rank/rank_world.h"

#include <algorithm>
#include <tuple>

namespace fieldpost::model::rank {
namespace {

Book book_of(const State& s) {
  Book book{};
  for (std::size_t i = 0; i < kIncs; ++i) book.ordinals[i] = s.incs[i].store_ordinal;
  book.counter = s.counter;
  book.winner = s.winner;
  for (std::size_t i = 0; i < kReadings; ++i)
    if (s.readings[i].stored) book.stored |= static_cast<std::uint8_t>(1u << i);
  return book;
}

std::uint8_t free_reading(const State& s) {
  for (std::uint8_t i = 0; i < kReadings; ++i)
    if (!s.readings[i].used) return i;
  return kNone;
}

/// What should win: the incarnation announced later, within it the later seq.
std::uint8_t true_winner(const State& s) {
  std::uint8_t best = kNone;
  const auto age = [&](std::uint8_t i) {
    const Reading& r = s.readings[i];
    return std::tuple(s.incs[r.inc].announced, r.inc, r.seq);
  };
  for (std::uint8_t i = 0; i < kReadings; ++i)
    if (s.readings[i].stored && (best == kNone || age(i) > age(best))) best = i;
  return best;
}

}  // namespace

State World::start() const {
  State s{};
  s.live = s.http = s.winner = kNone;
  return s;
}

std::uint8_t World::draw(State& s, bool http) const {
  const std::uint8_t inc = s.count++;
  s.incs[inc].http = http;
  return inc;
}

void World::give_ordinal(State& s, std::uint8_t index, std::uint8_t moment) const {
  Incarnation& inc = s.incs[index];
  ++s.clock;
  if (inc.announced == 0) inc.announced = moment;
  if (inc.node_ordinal != 0 && rules_.node_repeats) {
    inc.store_ordinal = inc.node_ordinal;
    s.counter = std::max(s.counter, inc.store_ordinal);
    return;
  }
  s.counter = static_cast<std::uint8_t>(s.counter + 1);
  if (rules_.past_the_clock) s.counter = std::max(s.counter, s.clock);
  inc.store_ordinal = s.counter;
}

/// Without [name-7] a later start goes on under the ordinal of the one before it.
void World::start_http(State& s) const {
  const std::uint8_t before = s.http;
  s.http = draw(s, true);
  ++s.http_starts;
  if (before == kNone || rules_.http_draws) {
    s.http_given = 0;
    give_ordinal(s, s.http, static_cast<std::uint8_t>(s.clock + 1));
    return;
  }
  s.incs[s.http].store_ordinal = s.incs[before].store_ordinal;
  s.incs[s.http].announced = ++s.clock;
}

void World::hello(State& s, bool welcome_arrives) const {
  ++s.hellos;
  const auto moment = static_cast<std::uint8_t>(s.clock + 1);
  for (std::uint8_t i = 0; i < s.count; ++i) {
    const std::uint8_t at = rules_.parents_first ? i : static_cast<std::uint8_t>(s.count - 1 - i);
    Incarnation& inc = s.incs[at];
    if (inc.http) continue;
    if (inc.store_ordinal == 0 || !rules_.store_repeats) give_ordinal(s, at, moment);
    if (welcome_arrives) inc.node_ordinal = inc.store_ordinal;
  }
}

bool World::deliverable(const State& s, std::uint8_t index) const {
  const Reading& r = s.readings[index];
  if (!r.used || r.stored || s.incs[r.inc].http) return false;
  if (!rules_.ordinal_known) return true;
  const auto known = [&](std::uint8_t inc) {
    return s.incs[inc].node_ordinal != 0 && s.incs[inc].store_ordinal != 0;
  };
  return known(r.inc) && known(r.now_inc);
}

bool World::beats(const State& s, std::uint8_t one, std::uint8_t other) const {
  if (other == kNone || !rules_.rank_decides) return true;
  const auto rank = [&](std::uint8_t i) {
    const Reading& r = s.readings[i];
    const std::uint8_t inc = rules_.first_name ? r.inc : r.now_inc;
    return std::tuple(s.incs[inc].store_ordinal, rules_.first_name ? r.seq : r.now_seq);
  };
  return rank(one) > rank(other);
}

void World::deliver(State& s, std::uint8_t index) const {
  s.readings[index].stored = 1;
  if (beats(s, index, s.winner)) s.winner = index;
}

/// The node kept its records and publishes them again; what came over HTTP is gone.
void World::restore(State& s) const {
  ++s.restores;
  s.counter = s.backup.counter;
  s.winner = s.backup.winner;
  for (std::size_t i = 0; i < kIncs; ++i) {
    Incarnation& inc = s.incs[i];
    inc.store_ordinal = s.backup.ordinals[i];
    if (inc.store_ordinal == 0 && inc.node_ordinal == 0) inc.announced = 0;  // nobody knows of it
  }
  for (std::size_t i = 0; i < kReadings; ++i) s.readings[i].stored = (s.backup.stored >> i) & 1;
  s.http = kNone;
}

void World::take(State& s, const Step& step) const {
  const std::uint8_t x = step.x;
  switch (step.what) {
    case Do::kStartNode:
      s.live = draw(s, false);
      s.given = 0;
      ++s.starts;
      break;
    case Do::kAccept: {
      const std::uint8_t seq = ++s.given;
      s.readings[free_reading(s)] = Reading{1, s.live, seq, s.live, seq, 0};
      break;
    }
    case Do::kStartHttp: start_http(s); break;
    case Do::kHttpWrite: {
      const std::uint8_t index = free_reading(s);
      const std::uint8_t seq = ++s.http_given;
      s.readings[index] = Reading{1, s.http, seq, s.http, seq, 0};
      deliver(s, index);
      break;
    }
    case Do::kHello: hello(s, true); break;
    case Do::kHelloWelcomeLost: hello(s, false); break;
    case Do::kDeliver: deliver(s, x); break;
    case Do::kRename:
      s.live = draw(s, false);
      s.given = 0;
      [[fallthrough]];
    case Do::kThin:
      s.readings[x].now_inc = s.live;
      s.readings[x].now_seq = ++s.given;
      ++s.renames;
      break;
    case Do::kBackup:
      s.backup = book_of(s);
      s.has_backup = 1;
      break;
    case Do::kRestore: restore(s); break;
  }
}

const char* World::broken(const State& state) const {
  State s = state;
  const int hellos = s.live == kNone ? 0 : 1;
  for (int i = 0; i < hellos; ++i) hello(s, true);
  for (std::uint8_t i = 0; i < kReadings; ++i)
    if (deliverable(s, i)) deliver(s, i);
  return s.winner == true_winner(s) ? nullptr : "an older reading wins";
}

}  // namespace fieldpost::model::rank
