#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/rt/spawner.h"

namespace fieldpost::sim {

/// The other side of a child: what a test lets it say, and what is done to it.
struct FakeChild {
  rt::SpawnOptions options;
  rt::SpawnHandlers handlers;
  std::vector<int> signals;
  bool reading = true;
  bool dropped = false;
  bool ended = false;

  void say(std::string bytes) const {
    const auto on_stdout = handlers.on_stdout;
    if (!dropped && on_stdout) on_stdout(std::move(bytes));
  }
  void exit(int code, int signal = 0) {
    ended = true;
    const auto on_exit = handlers.on_exit;  // it may drop us
    if (!dropped && on_exit) on_exit({.code = code, .signal = signal});
  }
  /// The last of its arguments.
  [[nodiscard]] const std::string& last_argument() const { return options.argv.back(); }
};

/// Children that do what the test says, when it says it.
class FakeSpawner final : public rt::Spawner {
 public:
  std::optional<rt::Error> refuses;  ///< every spawn, with that
  std::vector<std::shared_ptr<FakeChild>> children;

  [[nodiscard]] FakeChild& last() const { return *children.back(); }

  rt::Result<std::unique_ptr<rt::Child>> spawn(const rt::SpawnOptions& options,
                                               rt::SpawnHandlers handlers) override {
    if (refuses) return *refuses;
    children.push_back(std::make_shared<FakeChild>());
    children.back()->options = options;
    children.back()->handlers = std::move(handlers);
    return std::unique_ptr<rt::Child>(std::make_unique<Handle>(children.back()));
  }

 private:
  struct Handle final : rt::Child {
    explicit Handle(std::shared_ptr<FakeChild> other) : child(std::move(other)) {}
    ~Handle() override { child->dropped = true; }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    void signal_group(int signal_number) override { child->signals.push_back(signal_number); }
    void set_reading(bool reading) override { child->reading = reading; }
    std::shared_ptr<FakeChild> child;
  };
};

}  // namespace fieldpost::sim
