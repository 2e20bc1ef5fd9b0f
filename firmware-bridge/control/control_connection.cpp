#include "firmware-bridge/control/control_connection.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "proto/rt/base64.h"

namespace fieldpost::bridge {
namespace {

std::string encode(const DeviceReport& report) {
  JsonLine counts;
  for (const auto& [name, count] : report.counts) counts.number(name, count);
  return JsonLine()
      .text("name", report.name)
      .text("port", report.port)
      .text("diagnosis", report.diagnosis)
      .text("firmware", report.firmware)
      .raw("counts", counts.done())
      .done();
}

rt::Error invalid(std::string message) {
  return {rt::Errc::kInvalid, std::move(message)};
}

std::string code_name(rt::Errc code) {
  switch (code) {
    case rt::Errc::kBusy: return "busy";
    case rt::Errc::kUnavailable: return "unavailable";
    case rt::Errc::kInvalid: return "invalid";
    case rt::Errc::kNotFound: return "not_found";
    case rt::Errc::kDenied: return "denied";
    case rt::Errc::kFull: return "full";
    case rt::Errc::kCorrupt: return "corrupt";
    case rt::Errc::kIo: return "io";
  }
  return "io";
}

rt::Result<FlashRequest> read_flash(const JsonObject& in) {
  FlashRequest request;
  request.id = in.text("id");
  request.device = in.text("device");
  request.version = in.text("version");
  request.sha256 = in.text("sha256");
  request.asked_by = in.text("by");
  if (in.has("image")) {
    auto image = rt::from_base64(in.text("image"));
    if (!image || image->empty()) return invalid("image: expected Intel HEX in base64");
    request.image = *std::move(image);
  }
  if (in.has("timeout_s")) {
    const auto seconds = in.number("timeout_s");
    const auto most = std::chrono::duration_cast<rt::Seconds>(FlashDesk::kTimeoutMost).count();
    if (!seconds || *seconds < 1 || std::cmp_greater(*seconds, most)) {
      return invalid(fmt::format("timeout_s: expected 1 to {}", most));
    }
    request.timeout = rt::Seconds(*seconds);
  }
  return request;
}

}  // namespace

ControlConnection::ControlConnection(const ControlParts& parts, std::unique_ptr<rt::Stream> stream,
                                     std::function<void()> on_over)
    : parts_(parts), stream_(std::move(stream)), on_over_(std::move(on_over)) {}

ControlConnection::~ControlConnection() {
  parts_.loop.cancel(timer_);
}

void ControlConnection::start() {
  stream_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                  .on_closed =
                      [this](const std::string&) {
                        closing_ = true;
                        follower_.reset();
                        on_over_();
                      },
                  .on_end =
                      [this] {
                        ended_ = true;
                        go_on();
                      }});
}

void ControlConnection::refuse(const std::string& why) {
  start();
  send_error({rt::Errc::kBusy, why});
  close();
}

void ControlConnection::on_data(std::string_view bytes) {
  if (closing_) return;
  lines_.add(bytes);
  go_on();
  if (!closing_ && lines_.is_too_long()) {
    send_error(invalid(fmt::format("a line has at most {} bytes", kControlLineBytesMax)));
    close();
  }
}

void ControlConnection::go_on() {
  std::string line;
  while (!closing_ && !follower_ && lines_.next(line)) {
    if (stream_->unsent() > ControlServer::kAnswersBytesMax) return close();
    if (line.size() > kControlLineBytesMax) {
      send_error(invalid(fmt::format("a line has at most {} bytes", kControlLineBytesMax)));
    } else if (!line.empty()) {
      answer(line);
    }
  }
  if (ended_ && !follower_ && !closing_) close();
}

void ControlConnection::answer(const std::string& line) {
  const auto request = JsonObject::parse(line);
  if (!request) return send_error(invalid("expected a JSON object in a line"));
  const std::string verb = request->text("verb");
  if (verb == "devices") return answer_devices();
  if (verb == "images") return answer_images(*request);
  if (verb == "flash") return flash(*request);
  if (verb == "flash_result") return follow(*request);
  send_error(invalid("verb: expected devices, images, flash or flash_result"));
}

void ControlConnection::answer_devices() {
  std::vector<std::string> devices;
  for (const DeviceReport& each : parts_.devices()) devices.push_back(encode(each));
  send(JsonLine().array("devices", devices).done());
}

void ControlConnection::answer_images(const JsonObject& request) {
  const auto kept = parts_.desk.images(request.text("device"));
  if (!kept) return send_error(kept.error());
  std::vector<std::string> images;
  for (const KeptImage& each : *kept) {
    images.push_back(JsonLine()
                         .text("sha256", each.sha256)
                         .text("version", each.version)
                         .number("bytes", each.bytes)
                         .done());
  }
  send(JsonLine().array("images", images).done());
}

void ControlConnection::flash(const JsonObject& in) {
  const auto request = read_flash(in);
  if (!request) return send_error(request.error());
  follower_ = make_follower();
  const auto begun = parts_.desk.flash(*request, follower_);
  if (begun) return;
  follower_.reset();
  send_error(begun.error());
}

void ControlConnection::follow(const JsonObject& request) {
  follower_ = make_follower();
  const auto followed = parts_.desk.follow(request.text("id"), follower_);
  if (followed) return;
  follower_.reset();
  send_error(followed.error());
}

FlashFollowerPtr ControlConnection::make_follower() {
  auto follower = std::make_shared<FlashFollower>();
  follower->on_progress = [this](const FlashProgress& progress) {
    if (stream_->unsent() <= ControlServer::kUnsentBytesMax) send(bridge::encode(progress));
  };
  follower->on_outcome = [this](const FlashOutcome& outcome) {
    send(bridge::encode(outcome));
    follower_.reset();
    go_on();
  };
  return follower;
}

void ControlConnection::send_error(const rt::Error& error) {
  send(JsonLine().text("error", error.message).text("code", code_name(error.code)).done());
}

void ControlConnection::close() {
  closing_ = true;
  follower_.reset();
  stream_->close_after_send();
  parts_.loop.cancel(timer_);
  timer_ = parts_.loop.after(ControlServer::kReadOutMost, [this] { on_over_(); });
}

}  // namespace fieldpost::bridge
