#include "agent/agent_verbs.h"

#include <fmt/format.h>

#include "agent/config.h"
#include "agent/spool/forget_pin.h"
#include "proto/rt/daemon_doctor.h"
#include "proto/rt/process_lock.h"

namespace fieldpost::agent {
namespace {

constexpr std::string_view kProgram = "fieldpost-agent";

AgentConfig config_of(const rt::DaemonCommand& command) {
  auto config = read_agent_config(command.config);
  FP_CHECK(config.has_value());
  return *std::move(config);
}

int fail(const rt::Error& error) {
  fmt::print(stderr, "{}: {}\n", kProgram, error.message);
  return rt::exit_code_of(error.code);
}

/// `forgotten`: the store's id in hex; empty: none was pinned.
void tell_adopted(const std::string& forgotten, bool json) {
  if (json) {
    fmt::print("{{\"forgotten\":{}}}\n",
               forgotten.empty() ? "null" : fmt::format("\"{}\"", forgotten));
  } else if (forgotten.empty()) {
    fmt::print("no coordinator is pinned: the next one that is seen will be\n");
  } else {
    fmt::print("forgot coordinator store {}: the next one that is seen is pinned\n", forgotten);
  }
}

}  // namespace

int run_doctor(const rt::DaemonCommand& command) {
  const AgentConfig config = config_of(command);
  rt::Examination examination;
  examination.good("the configuration is valid");
  const bool runs = rt::examine_state(examination, config.spool_directory, kProgram);
  rt::examine_socket(examination, config.listen_socket, runs);
  rt::examine_address(examination, config.listen_http, runs);
  rt::examine_broker(examination, config.uplink.mqtt, config.mqtt_password_file);
  rt::examine_clock(examination);
  return examination.tell(command.has("--json"));
}

int run_adopt(const rt::DaemonCommand& command) {
  const AgentConfig config = config_of(command);
  const auto lock = rt::lock_directory(config.spool_directory, kProgram);
  if (!lock) return fail(lock.error());
  const auto pinned = load_pinned_store(config.spool.path, "");
  if (!pinned) return fail(pinned.error());
  const std::string id = pinned->is_zero() ? "" : pinned->hex();
  if (!id.empty() && !command.has("--yes")) {
    fmt::print(stderr,
               "{}: adopt would forget coordinator store {}, which alone may tell this node that "
               "its readings are stored; --yes does it\n",
               kProgram, id);
    return rt::kExitUsage;
  }
  if (!id.empty()) {
    if (auto done = forget_pin(config.spool.path, ""); !done) return fail(done.error());
  }
  tell_adopted(id, command.has("--json"));
  return rt::kExitDone;
}

}  // namespace fieldpost::agent
