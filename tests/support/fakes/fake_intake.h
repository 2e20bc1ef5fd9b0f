#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/intake.h"

namespace fieldpost::sim {

/// An intake that keeps what it is given and answers durable offers when the test says so.
class FakeIntake final : public agent::Intake {
 public:
  struct Offer {
    wire::ParsedLines lines;
    agent::DurableOptions options;
    std::function<void(rt::Result<agent::Accepted>)> done;
  };

  bool busy = false;
  bool answer_at_once = true;
  std::deque<Offer> waiting;               ///< not answered yet
  std::vector<wire::ParsedLines> sampled;  ///< in order
  std::vector<wire::ParsedLines> durable;  ///< answered with success
  std::vector<std::string> idempotency_keys;
  agent::BodyRoom room{1 << 30, 1 << 30};
  std::optional<rt::Error> fragment_error;
  std::vector<wire::Record> fragments;             ///< in order
  std::function<void(rt::Status)> fragments_done;  ///< of those not answered yet
  int commits = 0;                                 ///< of fragments
  std::optional<agent::BodyPlace> place;           ///< that is on disk
  bool loads_place_at_once = true;                 ///< else when `place_loaded` is called
  std::function<void()> place_loaded;
  std::optional<rt::Error> place_error;

  void accept_sampled(wire::ParsedLines lines) override { sampled.push_back(std::move(lines)); }
  void accept_durable(wire::ParsedLines lines, agent::DurableOptions options,
                      std::function<void(rt::Result<agent::Accepted>)> done) override {
    waiting.push_back({std::move(lines), std::move(options), std::move(done)});
    if (answer_at_once) answer();
  }
  void accept_fragments(std::vector<wire::Record> records,
                        std::function<void(rt::Status)> done) override {
    if (fragment_error) return done(*fragment_error);
    commits += 1;
    for (wire::Record& each : records) fragments.push_back(std::move(each));
    if (answer_at_once) return done(rt::ok());
    fragments_done = std::move(done);
  }
  void accept_window(std::vector<wire::Record> records, std::optional<agent::BodyPlace> to,
                     std::function<void(rt::Status)> done) override {
    accept_fragments(std::move(records), [this, to, done = std::move(done)](rt::Status status) {
      if (status) place = to;
      done(std::move(status));
    });
  }
  void load_body_place(
      std::function<void(rt::Result<std::optional<agent::BodyPlace>>)> done) override {
    if (place_error) return done(*place_error);
    if (loads_place_at_once) return done(place);
    place_loaded = [this, done = std::move(done)] { done(place); };
  }
  void forget_body_place(std::function<void(rt::Status)> done) override {
    place.reset();
    done(rt::ok());
  }
  [[nodiscard]] agent::BodyRoom body_room() const override { return room; }
  [[nodiscard]] bool is_busy() const override { return busy; }

  /// The oldest offer is on disk.
  void answer() {
    Offer offer = std::move(waiting.front());
    waiting.pop_front();
    const std::size_t stored = offer.lines.lines_stored;
    durable.push_back(std::move(offer.lines));
    idempotency_keys.push_back(std::move(offer.options.idempotency_key));
    offer.done(agent::Accepted{stored});
  }
  void refuse(rt::Error error) {
    Offer offer = std::move(waiting.front());
    waiting.pop_front();
    offer.done(std::move(error));
  }
};

/// All readings as text, "key time value-bits-or-string", sorted by nothing: in order of columns.
[[nodiscard]] std::vector<std::string> readings_of(const wire::ParsedLines& lines);
/// The same over many, in order.
[[nodiscard]] std::vector<std::string> readings_of(const std::vector<wire::ParsedLines>& batches);

}  // namespace fieldpost::sim
