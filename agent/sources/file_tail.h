#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/sources/line_pump.h"
#include "agent/sources/patient_intake.h"
#include "agent/sources/source.h"
#include "agent/sources/tail/tail_reader.h"
#include "proto/rt/files.h"

namespace fieldpost::agent {

struct FileTailConfig {
  TailReaderConfig reader;
  rt::Nanos every = rt::Millis{250};  ///< between looks at a file that does not grow
};

/// Follows a file of lines. Durable: its position moves on only after its lines are on disk, so a
/// crash can make it read lines again and never lose any; lines with a time are idempotent by
/// themselves, chunks with stamped lines by their key. When the spool does not take them they wait
/// in the file.
class FileTail final : public Source {
 public:
  static constexpr rt::Nanos kRefusedPause = rt::Seconds{5};  ///< then the same lines again
  static constexpr rt::Nanos kRotatedPause = rt::Seconds{5};  ///< for a writer's last lines

  /// kInvalid as TailReader::make says.
  static rt::Result<std::unique_ptr<FileTail>> make(LinePorts ports, rt::Files& files,
                                                    FileTailConfig config);
  ~FileTail() override;
  FileTail(const FileTail&) = delete;
  FileTail& operator=(const FileTail&) = delete;
  [[nodiscard]] SourceHealth health() const override { return health_; }

 private:
  FileTail(LinePorts ports, FileTailConfig config, TailReader reader);
  void look();
  void look_after(rt::Nanos pause);
  void on_chunk(TailReader::Chunk chunk);
  void on_stored(std::size_t readings, bool more, const rt::Result<Accepted>& result);
  void settle(bool more);
  void count_errors(const TailReader::Chunk& chunk);
  [[nodiscard]] bool leaves_rotated(const TailReader::Chunk& chunk);

  LinePorts ports_;
  FileTailConfig config_;
  std::shared_ptr<TailReader> reader_;  ///< the worker's while a job runs; one at a time
  std::optional<RulesTeller> teller_;
  SourceHealth health_;
  PatientIntake intake_;
  std::optional<rt::Instant> rotated_end_;  ///< since when nothing came from a rotated file
  bool leave_rotated_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
