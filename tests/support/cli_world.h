#pragma once

#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_world.h"
#include "tools/cli/context.h"

namespace fieldpost::test {

/// Answers from a script instead of a network; keeps what was asked.
class FakeFetcher final : public cli::Fetcher {
 public:
  rt::Result<cli::Fetched> fetch(const cli::Fetch& fetch) override;
  [[nodiscard]] const std::string& url() const override { return url_; }

  /// Answers to a path ("HEAD /path": to that method), each used once but the last.
  std::map<std::string, std::deque<rt::Result<cli::Fetched>>> answers;
  std::vector<cli::Fetch> asked;
  int breaks_off = 0;             ///< so many answers break off behind what they have for `on_data`
  std::function<void()> on_wait;  ///< what passes before a fetch that has `on_tick` calls it

 private:
  std::string url_ = "http://fake";
};

/// A verb's surroundings; output is gathered.
class CliWorld {
 public:
  explicit CliWorld(const std::string& input = {});
  ~CliWorld();
  CliWorld(const CliWorld&) = delete;
  CliWorld& operator=(const CliWorld&) = delete;

  void answer(const std::string& path, std::string body, int status = 200);
  void answer_error(const std::string& path, rt::Error error);
  [[nodiscard]] std::string out() const { return text_of(out_); }
  [[nodiscard]] std::string err() const { return text_of(err_); }

  sim::SimWorld sim{1};
  sim::SimWallClock clock{sim, "desk"};
  FakeFetcher fetcher;
  std::vector<std::int64_t> pauses;
  cli::Context context{.fetcher = fetcher, .clock = clock};

 private:
  static std::string text_of(std::FILE* file);
  std::FILE* in_;
  std::FILE* out_;
  std::FILE* err_;
  int keys_ = 0;
};

}  // namespace fieldpost::test
