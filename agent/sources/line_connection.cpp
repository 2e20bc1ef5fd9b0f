#include "agent/sources/line_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::agent {
namespace {

std::string error_line(std::size_t line, std::string what) {
  std::replace(what.begin(), what.end(), '\n', ' ');
  return fmt::format("error {}: {}\n", line, what);
}

std::string failure_text(const rt::Error& error) {
  switch (error.code) {
    case rt::Errc::kFull: return "spool is full: " + error.message;
    case rt::Errc::kBusy: return "busy, send it again: " + error.message;
    case rt::Errc::kUnavailable:
    case rt::Errc::kInvalid:
    case rt::Errc::kNotFound:
    case rt::Errc::kDenied:
    case rt::Errc::kCorrupt:
    case rt::Errc::kIo: return error.message;
  }
  return error.message;
}

}  // namespace

LineConnection::LineConnection(LinePorts ports, PatientIntake& intake,
                               std::unique_ptr<rt::Stream> stream, SourceHealth& health,
                               std::function<void()> on_over)
    : ports_(ports),
      intake_(intake),
      stream_(std::move(stream)),
      health_(health),
      on_over_(std::move(on_over)),
      pump_(ports, EmptyLine::kEndsBatch,
            [this](LineFeed::Output output, bool ended) { on_output(std::move(output), ended); }) {}

LineConnection::~LineConnection() {
  ports_.loop.cancel(timer_);
}

void LineConnection::start() {
  stream_->start({.on_data =
                      [this](std::string bytes) {
                        pump_.add(std::move(bytes));
                        adjust_pace();
                      },
                  .on_closed =
                      [this](const std::string&) {
                        closed_ = true;
                        on_end();
                      },
                  .on_end = [this] { on_end(); }});
}

void LineConnection::on_end() {
  pump_.end(LastLine::kDropped);
  adjust_pace();
}

void LineConnection::refuse(const std::string& why) {
  stream_->start({.on_data = [](const std::string&) {},
                  .on_closed =
                      [this](const std::string&) {
                        closed_ = true;
                        finish_when_idle();
                      }});
  stream_->set_reading(false);
  input_ended_ = true;
  stream_->send(error_line(0, why));
  finish_when_idle();
}

void LineConnection::on_output(LineFeed::Output output, bool ended) {
  for (LineFeed::Piece& piece : output.pieces) take_piece(std::move(piece));
  if (ended) end_input(output);
  answer_settled();
  adjust_pace();
}

void LineConnection::take_piece(LineFeed::Piece piece) {
  if (batches_.empty() || batches_.back()->ended) batches_.push_back(std::make_shared<Batch>());
  const BatchPtr batch = batches_.back();
  batch->ended = piece.ends_batch;
  if (!piece.lines.errors.empty()) {
    if (!batch->bad_line) batch->bad_line = piece.lines.errors.front();
    count_error(piece.lines.lines_bad, piece.lines.errors.front().what);
  }
  if (piece.lines.readings == 0) return;
  batch->pieces_open += 1;
  unsettled_bytes_ += piece.bytes;
  const std::size_t readings = piece.lines.readings;
  intake_.offer(std::move(piece.lines), {},
                [self = weak_from_this(), batch, bytes = piece.bytes,
                 readings](const rt::Result<Accepted>& result) {
                  if (const auto connection = self.lock()) {
                    connection->on_settled(*batch, bytes, readings, result);
                  }
                });
}

void LineConnection::on_settled(Batch& batch, std::size_t bytes, std::size_t readings,
                                const rt::Result<Accepted>& result) {
  batch.pieces_open -= 1;
  unsettled_bytes_ -= bytes;
  if (result) {
    batch.lines += result->lines;
    health_.readings += readings;
  } else {
    if (!batch.failure) batch.failure = result.error();
    count_error(1, failure_text(result.error()));
  }
  answer_settled();
  adjust_pace();
}

/// What came after the last empty line is a batch, too; whoever only stopped sending waits for its
/// answer.
void LineConnection::end_input(const LineFeed::Output& last) {
  input_ended_ = true;
  if (last.long_line != 0) {
    end_batch_with({last.long_line, fmt::format("longer than {} bytes", LineFeed::kLineBytesMax)});
  } else if (last.cut_line != 0) {
    end_batch_with({last.cut_line, "a connection closed in the middle of a line"});
  } else if (!batches_.empty()) {
    batches_.back()->ended = true;
  }
}

void LineConnection::end_batch_with(wire::LineError error) {
  if (batches_.empty() || batches_.back()->ended) batches_.push_back(std::make_shared<Batch>());
  Batch& batch = *batches_.back();
  count_error(1, error.what);
  if (!batch.bad_line) batch.bad_line = std::move(error);
  batch.ended = true;
}

void LineConnection::answer_settled() {
  while (!batches_.empty() && batches_.front()->ended && batches_.front()->pieces_open == 0) {
    if (!closed_) answer(*batches_.front());
    batches_.pop_front();
  }
  finish_when_idle();
}

void LineConnection::answer(const Batch& batch) {
  std::string text;
  if (batch.failure) text += error_line(0, failure_text(*batch.failure));
  if (batch.bad_line) text += error_line(batch.bad_line->line, batch.bad_line->what);
  text += fmt::format("ok {}\n", batch.lines);
  stream_->send(std::move(text));
}

void LineConnection::adjust_pace() {
  if (closing_) return;
  const bool answers_wait = !closed_ && stream_->unsent() > kAnswerBytesMax;
  if (answers_wait && timer_ == rt::TimerId::kNone) {
    timer_ = ports_.loop.after(kAnswerPause, [this] {
      timer_ = rt::TimerId::kNone;
      adjust_pace();
    });
  }
  const std::size_t held = unsettled_bytes_ + pump_.bytes();
  const bool read = !answers_wait && !input_ended_ && held <= kHeldBytesMax;
  if (read != std::exchange(reading_, read) && !closed_) stream_->set_reading(read);
  pump_.set_paused(answers_wait || batches_.size() > kBatchesMax ||
                   unsettled_bytes_ > kHeldBytesMax);
}

void LineConnection::finish_when_idle() {
  if (!input_ended_ || !batches_.empty() || closing_) return;
  closing_ = true;
  ports_.loop.cancel(timer_);
  if (!closed_) stream_->close_after_send();
  close_after_send(kLingerMax);
}

void LineConnection::close_after_send(rt::Nanos linger) {
  if (closed_ || stream_->unsent() == 0 || linger <= rt::Nanos{0}) {
    timer_ = ports_.loop.after(rt::Nanos{0}, on_over_);
    return;
  }
  timer_ =
      ports_.loop.after(kAnswerPause, [this, linger] { close_after_send(linger - kAnswerPause); });
}

void LineConnection::count_error(std::size_t count, std::string what) {
  health_.errors += count;
  health_.last_error = std::move(what);
}

}  // namespace fieldpost::agent
