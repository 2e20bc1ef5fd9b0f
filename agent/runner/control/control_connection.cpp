#include "agent/runner/control/control_connection.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace fieldpost::agent::runner {

using nlohmann::ordered_json;

namespace {

std::string text_of(const ordered_json& line) {
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

rt::Error line_too_long() {
  return {rt::Errc::kInvalid,
          fmt::format("a line has at most {} bytes", ControlServer::kLineBytesMax)};
}

}  // namespace

ControlConnection::ControlConnection(const ControlServer::Parts& parts,
                                     std::unique_ptr<rt::Stream> stream,
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
                        watcher_.reset();
                        on_over_();
                      },
                  .on_end =
                      [this] {
                        if (!closing_) close();
                      }});
}

void ControlConnection::refuse(const std::string& why) {
  start();
  send_error({rt::Errc::kBusy, why});
  close();
}

void ControlConnection::on_data(std::string_view bytes) {
  std::string text = std::exchange(received_, {});
  text += bytes;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos && !closing_;
       end = text.find('\n', begin)) {
    answer(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
  }
  if (closing_) return;
  received_ = text.substr(begin);
  if (received_.size() <= ControlServer::kLineBytesMax) return;
  send_error(line_too_long());
  close();
}

void ControlConnection::answer(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  if (line.size() > ControlServer::kLineBytesMax) return send_error(line_too_long());
  const auto request = parse_control_request(line);
  if (!request) return send_error(request.error());
  answer(*request);
}

void ControlConnection::answer(const ControlRequest& request) {
  JobDesk& desk = parts_.desk;
  switch (request.verb) {
    case ControlVerb::kHello: return answer_hello();
    case ControlVerb::kStart: return answer_done(desk.start(request.spec));
    case ControlVerb::kCancel:
      return answer_done(desk.cancel(request.job, request.fence, request.why));
    case ControlVerb::kWatch: return watch();
    case ControlVerb::kFacts: return answer_facts(request);
    case ControlVerb::kLog: return answer_piece(desk.log(request.job, request.from, request.most));
    case ControlVerb::kArtifact:
      return answer_piece(desk.artifact(request.job, request.name, request.from, request.most));
    case ControlVerb::kFetched: return answer_done(desk.fetched(request.job, request.log));
    case ControlVerb::kForget: return answer_done(desk.forget(request.job));
  }
}

void ControlConnection::answer_hello() {
  ordered_json line;
  line["version"] = parts_.version;
  line["boot"] = parts_.boot;
  line["slots"] = parts_.desk.slots();
  line["jobs"] = ordered_json::array();
  for (const JobReport& each : parts_.desk.reports()) {
    ordered_json job;
    job["job"] = each.job;
    job["fence"] = each.fence;
    job["state"] = each.ended ? "ended" : "running";
    job["facts"] = each.facts;
    job["log_bytes"] = each.log_bytes;
    line["jobs"].push_back(std::move(job));
  }
  send(text_of(line));
}

void ControlConnection::answer_facts(const ControlRequest& request) {
  const auto facts = parts_.desk.facts(request.job, request.from);
  if (!facts) return send_error(facts.error());
  send(fmt::format(R"({{"facts":[{}]}})", fmt::join(*facts, ",")));
}

void ControlConnection::answer_piece(const rt::Result<JobPiece>& piece) {
  if (!piece) return send_error(piece.error());
  send(fmt::format(R"({{"bytes":{},"ended":{}}})", piece->bytes.size(), piece->ended));
  if (!closing_) stream_->send(piece->bytes);
}

void ControlConnection::answer_done(const rt::Status& done) {
  if (!done) return send_error(done.error());
  send(R"({"ok":true})");
}

void ControlConnection::watch() {
  if (watcher_) return;
  watcher_ = std::make_shared<JobDesk::Watcher>();
  watcher_->on_fact = [this](const std::string& job, std::uint64_t n) { send_fact(job, n); };
  watcher_->on_log = [this](const std::string& job, std::uint64_t size) { send_log(job, size); };
  parts_.desk.watch(watcher_);
  for (const JobReport& each : parts_.desk.reports()) {
    if (each.facts > 0) send_fact(each.job, each.facts - 1);
    send_log(each.job, each.log_bytes);
  }
}

void ControlConnection::send_fact(const std::string& job, std::uint64_t n) {
  send(fmt::format(R"({{"event":"fact","job":"{}","n":{}}})", job, n));
}

void ControlConnection::send_log(const std::string& job, std::uint64_t size) {
  send(fmt::format(R"({{"event":"log","job":"{}","size":{}}})", job, size));
}

void ControlConnection::send(std::string line) {
  if (closing_) return;
  if (stream_->unsent() > ControlServer::kUnsentBytesMax) return close();
  stream_->send(std::move(line) + "\n");
}

void ControlConnection::send_error(const rt::Error& error) {
  ordered_json line;
  line["error"] = error.message;
  line["code"] = name_of(error.code);
  send(text_of(line));
}

void ControlConnection::close() {
  closing_ = true;
  watcher_.reset();
  stream_->close_after_send();
  parts_.loop.cancel(timer_);
  timer_ = parts_.loop.after(ControlServer::kReadOutMost, [this] { on_over_(); });
}

}  // namespace fieldpost::agent::runner
