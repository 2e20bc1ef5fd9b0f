#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/sources/line_pump.h"
#include "agent/sources/patient_intake.h"
#include "agent/sources/source.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent {

/// One producer on the line socket: reads batches, answers each in order when it is on disk.
class LineConnection : public std::enable_shared_from_this<LineConnection> {
 public:
  static constexpr std::size_t kHeldBytesMax = 1 << 20;      ///< read, not settled: reading pauses
  static constexpr std::size_t kAnswerBytesMax = 64 * 1024;  ///< unsent: reading and parsing pause
  static constexpr std::size_t kBatchesMax = 4096;           ///< not answered: parsing pauses
  static constexpr rt::Nanos kAnswerPause = rt::Millis{50};  ///< between looks at what is unsent
  static constexpr rt::Nanos kLingerMax = rt::Seconds{5};    ///< to send the last answer

  /// `health` outlives the connection. `on_over` is called once, from the loop, when it can go.
  LineConnection(LinePorts ports, PatientIntake& intake, std::unique_ptr<rt::Stream> stream,
                 SourceHealth& health, std::function<void()> on_over);
  ~LineConnection();
  LineConnection(const LineConnection&) = delete;
  LineConnection& operator=(const LineConnection&) = delete;

  void start();
  void refuse(const std::string& why);  ///< instead of `start`: says so and closes

 private:
  struct Batch {
    std::size_t lines = 0;  ///< on disk
    std::size_t pieces_open = 0;
    bool ended = false;
    std::optional<wire::LineError> bad_line;
    std::optional<rt::Error> failure;
  };
  using BatchPtr = std::shared_ptr<Batch>;

  void on_end();
  void on_output(LineFeed::Output output, bool ended);
  void take_piece(LineFeed::Piece piece);
  void on_settled(Batch& batch, std::size_t bytes, std::size_t readings,
                  const rt::Result<Accepted>& result);
  void end_input(const LineFeed::Output& last);
  void end_batch_with(wire::LineError error);
  void answer_settled();
  void answer(const Batch& batch);
  void adjust_pace();
  void finish_when_idle();
  void close_after_send(rt::Nanos linger);
  void count_error(std::size_t count, std::string what);

  LinePorts ports_;
  PatientIntake& intake_;
  std::unique_ptr<rt::Stream> stream_;
  SourceHealth& health_;
  std::function<void()> on_over_;
  LinePump pump_;
  std::deque<BatchPtr> batches_;  ///< not answered, oldest first
  std::size_t unsettled_bytes_ = 0;
  bool reading_ = true;
  bool closed_ = false;  ///< by the other side, which reads no answers any more
  bool input_ended_ = false;
  bool closing_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent
