#include "agent/sources/line_pump.h"

#include <utility>

namespace fieldpost::agent {

LinePump::LinePump(LinePorts ports, EmptyLine empty_line, OnOutput on_output,
                   std::shared_ptr<mapping::RawKeeper> keeper)
    : ports_(ports),
      on_output_(std::move(on_output)),
      feed_(std::make_shared<LineFeed>(empty_line, std::move(keeper))) {}

void LinePump::add(std::string bytes) {
  if (ended_ || end_) return;
  if (waiting_.empty()) {
    waiting_ = std::move(bytes);
  } else {
    waiting_ += bytes;
  }
  pump();
}

void LinePump::end(LastLine last_line) {
  if (end_) return;
  end_ = last_line;
  pump();
}

void LinePump::set_paused(bool paused) {
  paused_ = paused;
  pump();
}

void LinePump::pump() {
  if (at_work_ || paused_ || ended_) return;
  if (waiting_.empty() && !more_ && !end_) return;
  at_work_ = true;
  auto job = std::make_shared<Job>();
  job->bytes = std::exchange(waiting_, {});
  job->options.now = ports_.clock.now();
  job->end = job->bytes.empty() && !more_ ? end_ : std::nullopt;
  bytes_at_work_ += job->bytes.size();
  ports_.worker.run(
      [job, feed = feed_] {
        job->output = job->end ? feed->end(*job->end, job->options)
                               : feed->take(std::move(job->bytes), job->options);
      },
      [this, job, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) on_done(*job);
      });
}

void LinePump::on_done(Job& job) {
  at_work_ = false;
  more_ = job.output.more;
  bytes_at_work_ = job.output.bytes_kept;
  ended_ = job.end.has_value() || job.output.long_line != 0;
  on_output_(std::move(job.output), ended_);
  pump();
}

}  // namespace fieldpost::agent
