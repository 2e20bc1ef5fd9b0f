#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agent/runner/run/job_desk.h"
#include "proto/rt/loop.h"
#include "proto/rt/result.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent::runner {

class ControlConnection;

/// The runner's unix socket, for the agent. JSON objects, a line each, in either direction:
///
///   {"do":"hello"}                       {"version":…,"boot":…,"slots":N,"jobs":[{"job":…,
///                                         "fence":N,"state":"running"|"ended","facts":N,
///                                         "log_bytes":N}]}
///   {"do":"start","spec":{…}}            {"ok":true}; the same job and fence again does nothing
///   {"do":"cancel","job":…,"fence":N,"why":…}            {"ok":true}
///   {"do":"facts","job":…,"from":N}      {"facts":[…]}: some; when there are none, there are none
///   {"do":"log","job":…,"from":N,"most":N}               {"bytes":N,"ended":BOOL}, then N bytes
///   {"do":"artifact","job":…,"name":…,"from":N,"most":N} the same
///   {"do":"fetched","job":…,"log":N}     {"ok":true}: the agent has the log up to there on disk
///   {"do":"forget","job":…}              {"ok":true}; only a job that ended
///   {"do":"watch"}                       no answer but events, from how it stands on:
///                                         {"event":"fact","job":…,"n":N}
///                                         {"event":"log","job":…,"size":N}
///
/// What cannot be done is answered {"error":…,"code":…}; code "busy" means: ask again. Requests of
/// a connection are answered in their order; events come between answers. Who reads too little is
/// hung up on, and asks again. Loop thread.
class ControlServer {
 public:
  static constexpr std::size_t kConnectionsMax = 8;        ///< more: told so and closed
  static constexpr std::size_t kRefusedMax = 8;            ///< being told so; more: just closed
  static constexpr std::size_t kLineBytesMax = 2 << 20;    ///< a spec, and what is around it
  static constexpr std::size_t kUnsentBytesMax = 4 << 20;  ///< not read: then it is hung up on
  static constexpr rt::Seconds kReadOutMost{30};  ///< to read what was said before it is hung up on

  struct Parts {
    rt::Loop& loop;
    JobDesk& desk;
    std::string version;
    std::string boot;
  };
  /// Fails as Streams::listen_unix does.
  static rt::Result<std::unique_ptr<ControlServer>> listen(Parts parts, rt::Streams& streams,
                                                           const std::string& path);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  explicit ControlServer(Parts parts);
  void on_accept(std::unique_ptr<rt::Stream> stream);
  void drop_later(std::uint64_t id);

  Parts parts_;
  std::map<std::uint64_t, std::unique_ptr<ControlConnection>> connections_;
  std::uint64_t last_id_ = 0;
  std::uint64_t refused_ = 0;
  std::unique_ptr<rt::Listener> listener_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent::runner
