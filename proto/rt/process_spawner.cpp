#include "proto/rt/process_spawner.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "proto/rt/asio_access.h"
#include "proto/rt/errno_error.h"
#include "proto/rt/fd_stream_real.h"
#include "proto/rt/spawn_process.h"

namespace fieldpost::rt {

namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

FileDescriptor open_pidfd(pid_t pid) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

ExitStatus status_of(int raw) {
  if (WIFSIGNALED(raw)) return {.code = 0, .signal = WTERMSIG(raw)};
  return {.code = WEXITSTATUS(raw), .signal = 0};
}

/// A child until it is reaped; held by the wait for its end, too.
class Process : public std::enable_shared_from_this<Process> {
 public:
  Process(RealLoop& loop, SpawnedProcess spawned, FileDescriptor pidfd, SpawnHandlers handlers)
      : loop_(loop),
        pid_(spawned.pid),
        pidfd_(AsioAccess::io_context(loop), pidfd.release()),
        out_(std::make_shared<FdStream>(loop, std::move(spawned.out))),
        err_(std::make_shared<FdStream>(loop, std::move(spawned.err))),
        handlers_(std::move(handlers)) {}
  ~Process() { reap(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void begin() {
    start(*out_, &SpawnHandlers::on_stdout);
    start(*err_, &SpawnHandlers::on_stderr);
    pidfd_.async_wait(Descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& failed) {
                        if (failed) return;
                        AsioAccess::turn(self->loop_, [&] { self->on_end(); });
                      });
  }

  void signal_group(int signal) const {
    if (!reaped_) ::kill(-pid_, signal);
  }

  void set_reading(bool reading) {
    out_->set_reading(reading);
    err_->set_reading(reading);
  }

  void drop() {
    dropped_ = true;
    signal_group(SIGKILL);
    out_->drop();
    err_->drop();
  }

 private:
  using OnBytes = std::function<void(std::string)>;

  void start(FdStream& stream, OnBytes SpawnHandlers::*on_bytes) {
    stream.start({.on_data =
                      [weak = weak_from_this(), on_bytes](std::string bytes) {
                        const auto self = weak.lock();
                        if (!self || self->dropped_ || !(self->handlers_.*on_bytes)) return;
                        (self->handlers_.*on_bytes)(std::move(bytes));
                      },
                  .on_closed = [](const std::string&) {}});
  }

  void on_end() {
    signal_group(SIGKILL);  // whoever is left and may still write
    out_->drain_now();
    err_->drain_now();
    const ExitStatus status = status_of(reap());
    out_->drop();
    err_->drop();
    if (!dropped_ && handlers_.on_exit) handlers_.on_exit(status);
  }

  /// Not reaped, the child keeps its number: the group that is killed here is surely its own.
  int reap() {
    if (reaped_) return 0;
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return status;
  }

  RealLoop& loop_;
  pid_t pid_;
  Descriptor pidfd_;
  std::shared_ptr<FdStream> out_;
  std::shared_ptr<FdStream> err_;
  SpawnHandlers handlers_;
  bool dropped_ = false;
  bool reaped_ = false;
};

class ProcessChild final : public Child {
 public:
  explicit ProcessChild(std::shared_ptr<Process> process) : process_(std::move(process)) {}
  ~ProcessChild() override { process_->drop(); }
  ProcessChild(const ProcessChild&) = delete;
  ProcessChild& operator=(const ProcessChild&) = delete;
  void signal_group(int signal_number) override { process_->signal_group(signal_number); }
  void set_reading(bool reading) override { process_->set_reading(reading); }

 private:
  std::shared_ptr<Process> process_;
};

}  // namespace

Result<std::unique_ptr<Child>> ProcessSpawner::spawn(const SpawnOptions& options,
                                                     SpawnHandlers handlers) {
  auto spawned = spawn_process(options);
  if (!spawned) return spawned.error();
  FileDescriptor pidfd = open_pidfd(spawned->pid);
  if (!pidfd.is_open()) {
    const Error error = errno_error(errno, "watching a process");
    ::kill(-spawned->pid, SIGKILL);
    ::waitpid(spawned->pid, nullptr, 0);
    return error;
  }
  auto process =
      std::make_shared<Process>(loop_, std::move(*spawned), std::move(pidfd), std::move(handlers));
  process->begin();
  return std::unique_ptr<Child>(std::make_unique<ProcessChild>(std::move(process)));
}

}  // namespace fieldpost::rt
