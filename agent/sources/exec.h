#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sources/line_pump.h"
#include "agent/sources/patient_intake.h"
#include "agent/sources/rules_teller.h"
#include "agent/sources/source.h"
#include "proto/rt/spawner.h"

namespace fieldpost::agent {

struct ExecConfig {
  std::vector<std::string> argv;         ///< argv[0] is searched in PATH
  std::vector<std::string> environment;  ///< "K=V", added to the agent's
  std::string directory;                 ///< empty: the agent's
  bool stream = false;                   ///< runs all the time; otherwise once every `every`
  std::vector<std::string> sampling;     ///< measurements: the shortest hint for them is `every`
  rt::Nanos every = rt::Seconds{10};
  rt::Nanos timeout = rt::Seconds{5};        ///< of one run; then SIGTERM, after kKillPause SIGKILL
  bool durable = false;                      ///< every reading to disk; otherwise sampled
  bool keep_raw = false;                     ///< see exec_keeper
  rt::Nanos restart_first = rt::Seconds{1};  ///< stream: pause after it ended, doubled each time …
  rt::Nanos restart_most = rt::Seconds{60};  ///< … up to this; a run longer than this resets it
};

/// What it is called where what it prints is kept raw: two programs that one shell starts are two
/// sources.
[[nodiscard]] std::string exec_raw_name(const ExecConfig& config);
/// For what it prints. kInvalid as RawKeeper::make says.
[[nodiscard]] rt::Result<mapping::RawKeeper> exec_keeper(const ExecConfig& config);

/// A program that prints line protocol (Telegraf's `exec`, or `execd` with `stream`). What a run
/// printed counts when the run was good: then its exit code is 0. A stream has no end to wait for.
class Exec final : public Source {
 public:
  /// Printed and not taken, of a run that is not a stream all that it prints: it is killed.
  static constexpr std::size_t kWaitingBytesMax = 4 << 20;
  static constexpr std::size_t kStderrBytesMax = 1024;  ///< of the end of what it said
  static constexpr rt::Nanos kKillPause = rt::Seconds{1};

  /// With `keep_raw`, exec_keeper must have said that it can.
  Exec(LinePorts ports, rt::Spawner& spawner, ExecConfig config);
  ~Exec() override;
  Exec(const Exec&) = delete;
  Exec& operator=(const Exec&) = delete;

  [[nodiscard]] SourceHealth health() const override { return health_; }
  [[nodiscard]] bool obeys_hint_for(std::string_view measurement) const override;
  void set_sampling(const SamplingHints& hints) override;
  [[nodiscard]] std::uint64_t runs() const { return runs_; }
  [[nodiscard]] std::uint64_t runs_failed() const { return runs_failed_; }

 private:
  /// One life of the program; it goes on after its exit until its last line is parsed.
  struct Run {
    std::unique_ptr<rt::Child> child;
    std::unique_ptr<LinePump> pump;
    std::vector<LineFeed::Piece> pieces;  ///< parsed, until the run proves good
    std::size_t pieces_bytes = 0;
    std::string stderr_tail;
    rt::Instant began;
    bool killed = false;
    bool failed = false;
  };

  void start_run();
  void on_stdout(std::string bytes);
  void on_stderr(std::string_view bytes);
  void on_exit(rt::ExitStatus status);
  void on_timeout();
  void kill(std::string why);
  void on_output(LineFeed::Output output, bool ended);
  void take_piece(LineFeed::Piece piece);
  void take_pieces();
  void end_run();
  void rearm();
  void count_error(std::size_t count, std::string what);

  LinePorts ports_;
  rt::Spawner& spawner_;
  ExecConfig config_;
  SourceHealth health_;
  PatientIntake intake_;
  std::shared_ptr<mapping::RawKeeper> keeper_;  ///< the worker's while at work; may be null
  std::optional<RulesTeller> teller_;
  std::optional<Run> run_;
  std::size_t offered_bytes_ = 0;  ///< durable: parsed and not settled
  std::uint64_t runs_ = 0;
  std::uint64_t runs_failed_ = 0;
  rt::Nanos restart_pause_;
  rt::Nanos every_;  ///< as configured, or as a hint says
  rt::Instant next_run_;
  rt::TimerId run_timer_ = rt::TimerId::kNone;
  rt::TimerId kill_timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
