#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "proto/wire/flash_order.h"
#include "proto/wire/limits.h"
#include "tools/cli/progress.h"
#include "tools/cli/upload.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;

constexpr std::int64_t kAskAgainMs = 500;
constexpr std::uint64_t kUnknownMostMs = 900 * 1000;  ///< and the time that the board has

std::string commands_path(const FlashOptions& options) {
  return "/api/v1/nodes/" + encode_query(options.node) + "/commands";
}

/// One byte too many at most.
rt::Result<std::string> read_image(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(wire::kFlashImageBytesMax + 1, '\0');
  if (file) file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file && !file.eof()) return Error{Errc::kIo, "reading " + path + " failed"};
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

rt::Result<Json> request_of(const FlashOptions& options) {
  wire::FlashOrder order{options.board, {}, options.sha256, options.firmware, options.timeout_s};
  if (!options.image.empty()) {
    auto image = read_image(options.image);
    if (!image) return image.error();
    if (image->empty() || image->size() > wire::kFlashImageBytesMax) {
      return Error{Errc::kInvalid, fmt::format("{}: a command carries images of 1 to {} bytes",
                                               options.image, wire::kFlashImageBytesMax)};
    }
    order.image = *std::move(image);
  }
  return Json{{"verb", wire::kFlashVerb}, {"arguments", Json::parse(wire::encode(order))}};
}

/// The flash goes on whatever becomes of us.
Error with_id(const Error& error, const FlashOptions& options, std::uint64_t id) {
  return {error.code, fmt::format("{} (what came of it: GET {}/{})", error.message,
                                  commands_path(options), id)};
}

/// The agent was started again and has not told yet what its bridge says.
bool is_unknown(const Json& outcome) {
  return outcome.is_object() && outcome.contains("ok") && outcome.at("ok").is_null() &&
         outcome.value("detail", std::string()).starts_with("unknown");
}

int tell(const Context& context, const FlashOptions& options, const Json& outcome) {
  // The centre's own outcomes, "expired", have null there.
  const bool done = outcome.contains("ok") && outcome.at("ok") == true;
  const std::string detail = outcome.value("detail", std::string());
  if (context.json) {
    context.print(outcome.dump(2) + "\n");
    return done ? kExitDone : kExitFailed;
  }
  if (!done) {
    return context.fail(
        {Errc::kIo, fmt::format("{} of {}: {}", options.board, options.node, detail)});
  }
  context.print(fmt::format("{} of {}: {}\n", options.board, options.node, detail));
  return kExitDone;
}

}  // namespace

int run_flash(Context& context, const FlashOptions& options) {
  if (options.image.empty() == options.sha256.empty()) {
    return context.fail({Errc::kInvalid,
                         "expected --image FILE, or --sha256 of an image that the "
                         "bridge keeps"});
  }
  const auto request = request_of(options);
  if (!request) return context.fail(request.error());
  const auto command = send_json(context, "POST", commands_path(options), *request);
  if (!command) return context.fail(command.error());
  const auto id = command->at("id").get<std::uint64_t>();
  if (options.no_wait) {
    context.print(context.json ? Json{{"id", id}}.dump(2) + "\n"
                               : fmt::format("command {} is on its way to {}\n", id, options.node));
    return kExitDone;
  }
  const std::uint64_t most_ms = kUnknownMostMs + std::uint64_t{1000} * options.timeout_s;
  Progress progress(context, "s");
  for (std::uint64_t waited_ms = 0;; waited_ms += kAskAgainMs) {
    const auto answer =
        fetch_patiently(context, {.path = fmt::format("{}/{}", commands_path(options), id)});
    if (!answer) return context.fail(with_id(answer.error(), options, id));
    const Json now = Json::parse(answer->body, nullptr, false);
    if (!now.is_object() || !now.contains("outcome")) {
      return context.fail(with_id({Errc::kIo, "the answer is not understood"}, options, id));
    }
    const bool goes_on = is_unknown(now["outcome"]) && waited_ms < most_ms;
    if (now["outcome"].is_object() && !goes_on) {
      progress.finish();
      return tell(context, options, now["outcome"]);
    }
    progress.show(waited_ms / 1000, std::nullopt);
    context.pause(kAskAgainMs);
  }
}

}  // namespace fieldpost::cli
