#include "firmware-bridge/flash_verb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "firmware-bridge/config.h"
#include "firmware-bridge/control/control_client.h"
#include "firmware-bridge/flash/intel_hex.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/real_streams.h"
#include "proto/rt/system_files.h"
#include "proto/rt/system_random.h"

namespace fieldpost::bridge {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr rt::Nanos kAnswerMost = rt::Seconds(30);

int fail(const Error& error) {
  fmt::print(stderr, "fieldpost-bridge: {}\n", error.message);
  return rt::exit_code_of(error.code == Errc::kInvalid ? Errc::kIo : error.code);
}

BridgeConfig config_of(const rt::DaemonCommand& command) {
  auto config = read_bridge_config(command.config);
  FP_CHECK(config.has_value());
  return *std::move(config);
}

/// To the bridge that runs here.
Result<std::unique_ptr<ControlClient>> connect(rt::RealStreams& streams,
                                               const BridgeConfig& config) {
  auto stream = streams.connect_unix(config.control_socket);
  if (!stream) {
    return Error{
        stream.error().code,
        fmt::format("{}: does fieldpost-bridge run? If it does, its log says why nobody is "
                    "asked there",
                    stream.error().message)};
  }
  return std::make_unique<ControlClient>(*std::move(stream));
}

Result<FlashRequest> read_request(const rt::DaemonCommand& command) {
  FlashRequest request;
  rt::SystemRandom random;
  request.id = fmt::format("cli-{:016x}{:016x}", random.next_id(), random.next_id());
  if (const std::string* id = command.value("--id")) request.id = *id;
  request.device = *command.value("--device");
  request.version = *command.value("--firmware");
  request.asked_by = "command line";
  const std::string* image = command.value("--image");
  const std::string* sha256 = command.value("--sha256");
  if ((image == nullptr) == (sha256 == nullptr)) {
    return Error{Errc::kInvalid, "expected --image FILE, or --sha256 of an image that is kept"};
  }
  if (sha256 != nullptr) request.sha256 = *sha256;
  if (image != nullptr) {
    auto hex = rt::SystemFiles().read(*image, 0, kHexBytesMax + 1);
    if (!hex) return hex.error();
    if (hex->size() > kHexBytesMax) return Error{Errc::kInvalid, *image + " is no image"};
    request.image = *std::move(hex);
  }
  if (const std::string* text = command.value("--timeout")) {
    unsigned seconds = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (failed != std::errc() || end != text->data() + text->size() || seconds == 0) {
      return Error{Errc::kInvalid, "--timeout: expected seconds"};
    }
    request.timeout = rt::Seconds(seconds);
  }
  return request;
}

/// A line for each step, and on a terminal its percentage.
class ProgressLines {
 public:
  void show(const FlashProgress& progress) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    if (!terminal && shown_ == progress.step) return;
    if (terminal) {
      fmt::print(stderr, "\r{:<10} {:3} %", to_string(progress.step), progress.percent);
    } else {
      fmt::print(stderr, "{}\n", to_string(progress.step));
    }
    shown_ = progress.step;
    if (terminal) open_ = true;
  }
  void finish() {
    if (std::exchange(open_, false)) fmt::print(stderr, "\n");
  }

 private:
  std::optional<FlashStep> shown_;
  bool open_ = false;
};

int tell(const FlashOutcome& outcome, bool json) {
  if (json) {
    fmt::print("{}\n", encode(outcome));
  } else if (outcome.state == FlashState::kDone) {
    fmt::print("{}: done, firmware {} runs; the image before it: {}\n", outcome.device,
               outcome.version, outcome.old_sha256);
  } else {
    fmt::print(stderr, "fieldpost-bridge: {}: {} at step {}: {}\n", outcome.device,
               to_string(outcome.state), to_string(outcome.step), outcome.error);
  }
  return outcome.state == FlashState::kDone ? rt::kExitDone : rt::kExitFailed;
}

int run_flash(const rt::DaemonCommand& command) {
  auto request = read_request(command);
  if (!request) return fail(request.error());
  rt::RealLoop loop;
  rt::RealStreams streams(loop);
  auto client = connect(streams, config_of(command));
  if (!client) return fail(client.error());
  std::optional<Result<FlashOutcome>> outcome;
  ProgressLines lines;
  (*client)->flash(
      *request, [&lines](const FlashProgress& progress) { lines.show(progress); },
      [&outcome](Result<FlashOutcome> done) { outcome = std::move(done); });
  const bool ended = loop.run_until([&] { return outcome.has_value(); }, request->longest());
  lines.finish();
  if (!ended) outcome = Error{Errc::kUnavailable, "the bridge does not come to an end"};
  if (!*outcome) {
    return fail({outcome->error().code, fmt::format("{} (`--id {}` asks for the same flash again)",
                                                    outcome->error().message, request->id)});
  }
  return tell(**outcome, command.has("--json"));
}

void print_device(const Json& device) {
  const auto text = [&](const char* key) { return device.value(key, std::string()); };
  fmt::print("{:<16} {:<28} {:<20} {}\n", text("name"), text("port"), text("firmware"),
             text("diagnosis").empty() ? "good" : text("diagnosis"));
}

int run_status(const rt::DaemonCommand& command) {
  rt::RealLoop loop;
  rt::RealStreams streams(loop);
  auto client = connect(streams, config_of(command));
  if (!client) return fail(client.error());
  std::optional<Result<std::string>> answer;
  (*client)->devices([&answer](Result<std::string> line) { answer = std::move(line); });
  if (!loop.run_until([&] { return answer.has_value(); }, kAnswerMost)) {
    return fail({Errc::kUnavailable, "the bridge does not answer"});
  }
  if (!*answer) return fail(answer->error());
  const Json said = Json::parse(**answer, nullptr, false);
  if (command.has("--json") || !said.is_object()) {
    fmt::print("{}\n", **answer);
    return rt::kExitDone;
  }
  for (const Json& device : said.at("devices")) print_device(device);
  return rt::kExitDone;
}

}  // namespace

rt::DaemonVerb flash_verb() {
  return {.name = "flash",
          .meaning = "flashes a board by the bridge that runs; reverts when it does not run then",
          .flags = {"--json"},
          .run = run_flash,
          .options = {{"--device", "NAME", true},
                      {"--image", "FILE"},
                      {"--sha256", "HEX"},
                      {"--firmware", "VERSION", true},
                      {"--timeout", "SECONDS"},
                      {"--id", "ID"}}};
}

rt::DaemonVerb status_verb() {
  return {.name = "status",
          .meaning = "what the bridge that runs says of its boards",
          .flags = {"--json"},
          .run = run_status};
}

}  // namespace fieldpost::bridge
