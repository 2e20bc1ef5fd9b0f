#include "firmware-bridge/control/control_client.h"

#include <chrono>
#include <utility>

#include "firmware-bridge/flash/json_object.h"
#include "proto/rt/base64.h"

namespace fieldpost::bridge {
namespace {

rt::Errc code_of(std::string_view name) {
  using rt::Errc;
  constexpr std::pair<std::string_view, Errc> kCodes[] = {
      {"busy", Errc::kBusy},       {"unavailable", Errc::kUnavailable},
      {"invalid", Errc::kInvalid}, {"not_found", Errc::kNotFound},
      {"denied", Errc::kDenied},   {"full", Errc::kFull},
      {"corrupt", Errc::kCorrupt}, {"io", Errc::kIo}};
  for (const auto& [text, code] : kCodes) {
    if (text == name) return code;
  }
  return Errc::kIo;
}

ControlClient::OnLine outcome_from(ControlClient::OnOutcome on_outcome) {
  return [on_outcome = std::move(on_outcome)](const rt::Result<std::string>& line) {
    if (!line) return on_outcome(line.error());
    auto outcome = decode_flash_outcome(*line);
    if (!outcome) {
      return on_outcome(rt::Error{rt::Errc::kInvalid, "the bridge's answer is no outcome"});
    }
    on_outcome(*std::move(outcome));
  };
}

}  // namespace

ControlClient::ControlClient(std::unique_ptr<rt::Stream> stream) : stream_(std::move(stream)) {
  stream_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                  .on_closed = [this](const std::string& why) { on_closed(why); }});
}

void ControlClient::devices(OnLine on_answer) {
  ask(JsonLine().text("verb", "devices").done(), nullptr, std::move(on_answer));
}

void ControlClient::images(const std::string& device, OnLine on_answer) {
  ask(JsonLine().text("verb", "images").text("device", device).done(), nullptr,
      std::move(on_answer));
}

void ControlClient::flash(const FlashRequest& request, OnProgress on_progress,
                          OnOutcome on_outcome) {
  const auto seconds = std::chrono::duration_cast<rt::Seconds>(request.timeout).count();
  JsonLine line;
  line.text("verb", "flash")
      .text("id", request.id)
      .text("device", request.device)
      .text("version", request.version)
      .text("by", request.asked_by)
      .number("timeout_s", static_cast<std::uint64_t>(seconds));
  if (request.image.empty()) {
    line.text("sha256", request.sha256);
  } else {
    line.text("image", rt::to_base64(request.image));
  }
  ask(line.done(), std::move(on_progress), outcome_from(std::move(on_outcome)));
}

void ControlClient::flash_result(const std::string& id, OnProgress on_progress,
                                 OnOutcome on_outcome) {
  ask(JsonLine().text("verb", "flash_result").text("id", id).done(), std::move(on_progress),
      outcome_from(std::move(on_outcome)));
}

void ControlClient::ask(const std::string& line, OnProgress on_progress, OnLine on_answer) {
  FP_CHECK(!on_answer_);
  if (closed_) return on_answer(rt::Error{rt::Errc::kUnavailable, "the bridge hung up"});
  on_progress_ = std::move(on_progress);
  on_answer_ = std::move(on_answer);
  stream_->send(line + "\n");
}

void ControlClient::on_data(std::string_view bytes) {
  lines_.add(bytes);
  std::string line;
  while (lines_.next(line)) take(line);
  if (lines_.is_too_long()) on_closed("its line is too long");
}

void ControlClient::on_closed(const std::string& why) {
  closed_ = true;
  if (!on_answer_) return;
  const OnLine on_answer = std::exchange(on_answer_, nullptr);
  on_answer(rt::Error{rt::Errc::kUnavailable,
                      why.empty() ? "the bridge hung up" : "asking the bridge: " + why});
}

void ControlClient::take(const std::string& line) {
  if (!on_answer_ || closed_) return;
  const auto answer = JsonObject::parse(line);
  if (answer && !answer->has("error") && !answer->has("outcome")) {
    const auto progress = decode_flash_progress(line);
    if (progress) {
      if (on_progress_) on_progress_(*progress);
      return;
    }
  }
  const OnLine on_answer = std::exchange(on_answer_, nullptr);
  if (!answer) {
    return on_answer(rt::Error{rt::Errc::kInvalid, "the bridge's answer is no JSON object"});
  }
  if (answer->has("outcome") || !answer->has("error")) return on_answer(line);
  on_answer(rt::Error{code_of(answer->text("code")), answer->text("error")});
}

}  // namespace fieldpost::bridge
