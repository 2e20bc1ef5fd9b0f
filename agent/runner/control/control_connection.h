#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/runner/control/control_request.h"
#include "agent/runner/control/control_server.h"
#include "agent/runner/run/job_desk.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent::runner {

/// A client of the control socket.
class ControlConnection {
 public:
  /// `on_over`: it is closed, or had its time to read what was said; may not drop it at once.
  ControlConnection(const ControlServer::Parts& parts, std::unique_ptr<rt::Stream> stream,
                    std::function<void()> on_over);
  ~ControlConnection();
  ControlConnection(const ControlConnection&) = delete;
  ControlConnection& operator=(const ControlConnection&) = delete;
  void start();
  /// Says why nothing is answered, and closes.
  void refuse(const std::string& why);

 private:
  void on_data(std::string_view bytes);
  void answer(std::string_view line);
  void answer(const ControlRequest& request);
  void answer_hello();
  void answer_facts(const ControlRequest& request);
  void answer_piece(const rt::Result<JobPiece>& piece);
  void answer_done(const rt::Status& done);
  void watch();
  void send_fact(const std::string& job, std::uint64_t n);
  void send_log(const std::string& job, std::uint64_t size);
  void send(std::string line);
  void send_error(const rt::Error& error);
  void close();

  const ControlServer::Parts& parts_;
  std::unique_ptr<rt::Stream> stream_;
  std::function<void()> on_over_;
  std::string received_;  ///< of a line that is not whole yet
  JobDesk::WatcherPtr watcher_;
  bool closing_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent::runner
