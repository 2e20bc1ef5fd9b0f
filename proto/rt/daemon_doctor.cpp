#include "proto/rt/daemon_doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "proto/rt/asio_http.h"
#include "proto/rt/daemon_main.h"
#include "proto/rt/daemon_run.h"
#include "proto/rt/json_text.h"
#include "proto/rt/paho_mqtt.h"
#include "proto/rt/process_lock.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"
#include "proto/rt/unix_socket.h"

namespace fieldpost::rt {
namespace {

constexpr std::uint64_t kSpaceLeast = 256ull << 20;
constexpr Seconds kBrokerWaitMost{10};

/// `path` itself, or the directory above it in which it would be made.
std::string existing_part(const std::string& path) {
  std::error_code failed;
  std::filesystem::path at(path);
  while (!std::filesystem::exists(at, failed) && at.has_parent_path() && at != at.parent_path()) {
    at = at.parent_path();
  }
  return at.empty() ? "." : at.string();
}

bool may_write(const std::string& directory) {
  return ::access(directory.c_str(), W_OK | X_OK) == 0;
}

void examine_space(Examination& examination, const std::string& directory) {
  SystemFiles files;
  const auto space = files.space(directory);
  if (!space) return examination.warn(space.error().message, "look at the disk");
  const std::string left =
      fmt::format("{} MiB are free for {}", space->bytes_free >> 20, directory);
  if (space->bytes_free >= kSpaceLeast) return examination.good(left);
  examination.warn(left, "make room: what does not fit is refused or becomes a gap");
}

void examine_taken(Examination& examination, const std::string& place, bool taken, bool runs) {
  if (taken == runs) {
    examination.good(fmt::format("{} is {}", place, runs ? "served by the daemon" : "free"));
  } else if (taken) {
    examination.fail(fmt::format("{} is taken by another program", place),
                     "stop that one, or configure another address");
  } else {
    examination.fail(fmt::format("the daemon runs, and does not listen at {}", place),
                     "restart it: it may run with an older configuration");
  }
}

}  // namespace

void Examination::warn(std::string what, std::string advice) {
  findings_.push_back({Outcome::kWarn, std::move(what), std::move(advice)});
}

void Examination::fail(std::string what, std::string advice) {
  findings_.push_back({Outcome::kFail, std::move(what), std::move(advice)});
}

std::string_view Examination::to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk: return "ok";
    case Outcome::kWarn: return "warn";
    case Outcome::kFail: return "fail";
  }
  return "fail";
}

int Examination::tell(bool json) const {
  bool healthy = true;
  std::string checks;
  for (const Finding& finding : findings_) {
    if (finding.outcome == Outcome::kFail) healthy = false;
    if (!json) {
      fmt::print("{:<5} {}{}{}\n", to_string(finding.outcome), finding.what,
                 finding.advice.empty() ? "" : ": ", finding.advice);
      continue;
    }
    checks += checks.empty() ? "" : ",";
    checks += fmt::format("{{\"outcome\":\"{}\",\"what\":", to_string(finding.outcome));
    append_json_string(checks, finding.what);
    checks += ",\"advice\":";
    append_json_string(checks, finding.advice);
    checks += '}';
  }
  if (json) fmt::print("{{\"checks\":[{}],\"healthy\":{}}}\n", checks, healthy);
  return healthy ? kExitDone : kExitFailed;
}

bool examine_state(Examination& examination, const std::string& directory,
                   std::string_view program) {
  const std::string there = existing_part(directory);
  if (!may_write(there)) {
    examination.fail(fmt::format("{} may not be written", there),
                     fmt::format("give it to the user that runs {}", program));
    return false;
  }
  examine_space(examination, there);
  if (there != directory) {
    examination.good(fmt::format("{} is made at the first start", directory));
    return false;
  }
  const auto lock = lock_directory(directory, program);
  const bool runs = !lock && lock.error().code == Errc::kBusy;
  if (!lock && !runs) {
    examination.fail(lock.error().message,
                     fmt::format("give it to the user that runs {}", program));
    return false;
  }
  examination.good(fmt::format("{} {} on {}", program, runs ? "runs" : "does not run", directory));
  return runs;
}

void examine_address(Examination& examination, const std::string& address, bool runs) {
  if (address.empty()) return;
  RealLoop loop;
  const SystemClock clock;
  AsioHttpServer server(loop, clock);
  HttpServerOptions options;
  options.listen = address;
  const auto listener = server.listen(options, [](const auto&, const auto&) {});
  if (listener || listener.error().code == Errc::kBusy) {
    return examine_taken(examination, address, !listener, runs);
  }
  examination.fail(listener.error().message, "configure an address of this machine");
}

void examine_socket(Examination& examination, const std::string& path, bool runs) {
  if (path.empty()) return;
  const auto taken = connect_to(path);
  if (!taken && taken.error().code == Errc::kDenied) {
    return examination.fail(taken.error().message, "ask as the user that runs the daemon");
  }
  examine_taken(examination, path, taken.has_value(), runs);
  const std::string parent = existing_part(std::filesystem::path(path).parent_path().string());
  if (!runs && !may_write(parent)) {
    examination.fail(fmt::format("{} may not be written", parent),
                     "give it to the user that runs the daemon");
  }
}

void examine_broker(Examination& examination, MqttOptions options,
                    const std::string& password_file) {
  if (const auto read = read_password(password_file, options); !read) {
    return examination.fail(read.error().message, "let the user that runs the daemon read it");
  }
  RealLoop loop;
  PahoMqtt mqtt(loop);
  options.client_id = fmt::format("fp-doctor-{}", ::getpid());
  options.connect_timeout = std::min(options.connect_timeout, kBrokerWaitMost);
  std::optional<std::string> trouble;
  mqtt.set_handlers({.on_connected = [&](std::uint16_t) { trouble = ""; },
                     .on_disconnected = [&](const std::string& why) { trouble = why; },
                     .on_message = [](const MqttMessage&) {},
                     .on_puback = [](std::uint64_t) {}});
  mqtt.connect(options);
  const bool answered = loop.run_until([&] { return trouble.has_value(); }, 2 * kBrokerWaitMost);
  if (answered && trouble->empty()) {
    mqtt.disconnect();
    return examination.good(fmt::format("the broker at {} takes connections", options.url));
  }
  examination.fail(
      fmt::format("the broker at {}: {}", options.url, answered ? *trouble : "no answer"),
      "look whether it runs, and at url, username, password_file and certificates of [mqtt]");
}

void examine_clock(Examination& examination) {
  const auto synchronised = SystemClock().try_synchronised();
  if (!synchronised)
    return examination.warn(synchronised.error().message, std::string(kClockAdvice));
  if (*synchronised) return examination.good("the clock is synchronised");
  examination.warn("the clock is not synchronised",
                   "let chrony or systemd-timesyncd set it; times are corrected afterwards");
}

}  // namespace fieldpost::rt
