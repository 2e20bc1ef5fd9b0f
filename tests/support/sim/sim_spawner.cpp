#include "tests/support/sim/sim_spawner.h"

#include <csignal>
#include <utility>

namespace fieldpost::sim {

namespace {

class SimChild final : public rt::Child {
 public:
  SimChild(SimLoop& loop, SimProgram program, const rt::SpawnOptions& options,
           rt::SpawnHandlers handlers)
      : loop_(loop), program_(std::move(program)), handlers_(std::move(handlers)) {
    if (options.stderr_to_stdout) handlers_.on_stderr = handlers_.on_stdout;
    go_on();
  }
  ~SimChild() override { loop_.cancel(timer_); }
  SimChild(const SimChild&) = delete;
  SimChild& operator=(const SimChild&) = delete;

  void signal_group(int signal) override {
    const bool ends = signal == SIGKILL || (signal == SIGTERM && !program_.ignores_sigterm) ||
                      signal == SIGINT || signal == SIGHUP;
    if (!ends || ended_) return;
    stalled_ = false;
    loop_.cancel(timer_);
    timer_ = loop_.after(rt::Nanos{0}, [this, signal] { exit({.code = 0, .signal = signal}); });
  }

  void set_reading(bool reading) override {
    reading_ = reading;
    if (!reading_ || !std::exchange(stalled_, false)) return;
    timer_ = loop_.after(rt::Nanos{0}, [this] { say(); });
  }

 private:
  void go_on() {
    if (step_ < program_.steps.size()) {
      timer_ = loop_.after(program_.steps[step_].after, [this] { say(); });
    } else if (!program_.hangs) {
      timer_ = loop_.after(rt::Nanos{0}, [this] { exit(program_.exit); });
    }
  }

  void say() {
    if (!reading_) {
      stalled_ = true;
      return;
    }
    const SimProgram::Step step = program_.steps[step_++];
    const auto handlers = handlers_;  // a handler may drop us
    const std::weak_ptr<const bool> alive = alive_;
    go_on();
    if (!step.out.empty() && handlers.on_stdout) handlers.on_stdout(step.out);
    if (alive.expired()) return;
    if (!step.err.empty() && handlers.on_stderr) handlers.on_stderr(step.err);
  }

  void exit(rt::ExitStatus status) {
    ended_ = true;
    const auto on_exit = handlers_.on_exit;
    if (on_exit) on_exit(status);
  }

  SimLoop& loop_;
  SimProgram program_;
  rt::SpawnHandlers handlers_;
  std::size_t step_ = 0;
  bool ended_ = false;
  bool reading_ = true;
  bool stalled_ = false;  ///< stands still with what it has to say
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace

rt::Result<std::unique_ptr<rt::Child>> SimSpawner::spawn(const rt::SpawnOptions& options,
                                                         rt::SpawnHandlers handlers) {
  if (options.argv.empty()) {
    return rt::Error{rt::Errc::kInvalid, "starting a process: no program named"};
  }
  const auto found = programs_.find(options.argv[0]);
  if (found == programs_.end()) {
    return rt::Error{rt::Errc::kNotFound, "starting " + options.argv[0] + ": no such program"};
  }
  spawned_.push_back(options);
  return std::unique_ptr<rt::Child>(
      std::make_unique<SimChild>(loop_, found->second, options, std::move(handlers)));
}

}  // namespace fieldpost::sim
