#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/intake.h"
#include "agent/sources/line_feed.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"
#include "proto/rt/worker.h"

namespace fieldpost::agent {

/// What every source of lines needs.
struct LinePorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Worker& worker;
  Intake& intake;
};

/// Parses a stream of bytes on a worker, in order, one job at a time. What comes meanwhile is kept:
/// its owner bounds it by `bytes`.
class LinePump {
 public:
  /// `ended`: this was the last output, after `end` or a line that is too long. Must not destroy
  /// the pump.
  using OnOutput = std::function<void(LineFeed::Output output, bool ended)>;
  LinePump(LinePorts ports, EmptyLine empty_line, OnOutput on_output,
           std::shared_ptr<mapping::RawKeeper> keeper = nullptr);

  void add(std::string bytes);
  void end(LastLine last_line);  ///< no bytes follow
  void set_paused(bool paused);  ///< no new job while paused
  [[nodiscard]] std::size_t bytes() const { return waiting_.size() + bytes_at_work_; }

 private:
  struct Job {
    std::string bytes;
    wire::LineOptions options;
    std::optional<LastLine> end;
    LineFeed::Output output;
  };
  void pump();
  void on_done(Job& job);

  LinePorts ports_;
  OnOutput on_output_;
  std::shared_ptr<LineFeed> feed_;  ///< the worker's while at_work_
  std::string waiting_;
  std::size_t bytes_at_work_ = 0;
  std::optional<LastLine> end_;
  bool more_ = false;
  bool at_work_ = false;
  bool ended_ = false;
  bool paused_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
