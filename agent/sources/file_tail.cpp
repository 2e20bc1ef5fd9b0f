#include "agent/sources/file_tail.h"

#include <utility>

namespace fieldpost::agent {

rt::Result<std::unique_ptr<FileTail>> FileTail::make(LinePorts ports, rt::Files& files,
                                                     FileTailConfig config) {
  auto reader = TailReader::make(files, config.reader);
  if (!reader) return reader.error();
  return std::unique_ptr<FileTail>(new FileTail(ports, std::move(config), *std::move(reader)));
}

FileTail::FileTail(LinePorts ports, FileTailConfig config, TailReader reader)
    : ports_(ports),
      config_(std::move(config)),
      reader_(std::make_shared<TailReader>(std::move(reader))),
      teller_(reader_->make_teller()),
      intake_(ports.loop, ports.intake) {
  health_.name = tail_name(config_.reader.path);
  look_after(rt::Nanos{0});
}

FileTail::~FileTail() {
  ports_.loop.cancel(timer_);
}

void FileTail::look_after(rt::Nanos pause) {
  timer_ = ports_.loop.after(pause, [this] { look(); });
}

void FileTail::look() {
  if (teller_) teller_->tell(ports_.intake, ports_.clock.now());
  const auto chunk = std::make_shared<TailReader::Chunk>();
  ports_.worker.run(
      [reader = reader_, chunk, now = ports_.clock.now(),
       leave = std::exchange(leave_rotated_, false)] { *chunk = reader->read(now, leave); },
      [this, chunk, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) on_chunk(std::move(*chunk));
      });
}

void FileTail::on_chunk(TailReader::Chunk chunk) {
  count_errors(chunk);
  leave_rotated_ = leaves_rotated(chunk);
  if (chunk.bytes == 0) {
    look_after(chunk.more ? rt::Nanos{0} : config_.every);
    return;
  }
  if (chunk.lines.readings == 0) {
    settle(chunk.more);
    return;
  }
  const std::size_t readings = chunk.readings;
  intake_.offer(std::move(chunk.lines), {std::move(chunk.idempotency_key)},
                [this, readings, more = chunk.more,
                 alive = std::weak_ptr(alive_)](const rt::Result<Accepted>& result) {
                  if (!alive.expired()) on_stored(readings, more, result);
                });
}

void FileTail::on_stored(std::size_t readings, bool more, const rt::Result<Accepted>& result) {
  if (!result) {
    health_.errors += 1;
    health_.last_error = result.error().message;
    look_after(kRefusedPause);
    return;
  }
  health_.readings += readings;
  settle(more);
}

void FileTail::settle(bool more) {
  const auto status = std::make_shared<rt::Status>(rt::ok());
  ports_.worker.run([reader = reader_, status] { *status = reader->settle(); },
                    [this, status, more, alive = std::weak_ptr(alive_)] {
                      if (alive.expired()) return;
                      if (!*status) {
                        health_.errors += 1;
                        health_.last_error = status->error().message;
                      }
                      look_after(more ? rt::Nanos{0} : config_.every);
                    });
}

/// A writer may go on for a while with a file that was renamed under it.
bool FileTail::leaves_rotated(const TailReader::Chunk& chunk) {
  if (!chunk.rotated_end) {
    rotated_end_.reset();
    return false;
  }
  if (!rotated_end_) rotated_end_ = ports_.loop.now();
  return ports_.loop.now() - *rotated_end_ >= kRotatedPause;
}

void FileTail::count_errors(const TailReader::Chunk& chunk) {
  health_.errors += chunk.errors + chunk.lines.lines_bad;
  if (!chunk.lines.errors.empty()) health_.last_error = chunk.lines.errors.front().what;
  if (chunk.errors > 0) health_.last_error = chunk.last_error;
}

}  // namespace fieldpost::agent
