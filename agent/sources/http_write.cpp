#include "agent/sources/http_write.h"

#include <string>
#include <utility>
#include <variant>

#include "proto/rt/http_text.h"

namespace fieldpost::agent {

void HttpWrite::handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) {
  if (wire::is_influx_write(request)) {
    begin(std::move(request), std::move(responder));
  } else if (auto fixed = wire::answer_influx(request)) {
    responder->respond(*std::move(fixed));
  } else {
    responder->respond(rt::problem_response(404, "there is nothing at " + request.target.path));
  }
}

void HttpWrite::begin(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) {
  auto begun = wire::begin_influx_write(std::move(request));
  if (auto* refusal = std::get_if<rt::HttpResponse>(&begun)) {
    count_error(1, refusal->body);
    responder->respond(std::move(*refusal));
    return;
  }
  const auto write = std::make_shared<Write>();
  write->influx = std::get<wire::InfluxWrite>(std::move(begun));
  write->responder = std::move(responder);
  const std::size_t bytes = write->influx.body.size();
  if (ports_.intake.is_busy() || bytes_ + bytes > kBodyBytesMax) {
    refuse(*write, {rt::Errc::kBusy, "too many writes are waiting"});
    return;
  }
  write->bytes = bytes;
  bytes_ += bytes;
  ports_.worker.run(
      [write, now = ports_.clock.now()] {
        write->lines =
            wire::parse_influx_write(write->influx, {.precision = {}, .now = now, .tags = {}});
        write->influx.body = {};
      },
      [this, write, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) on_parsed(write);
      });
}

void HttpWrite::on_parsed(const WritePtr& write) {
  if (!write->lines) {
    refuse(*write, write->lines.error());
    return;
  }
  wire::ParsedLines lines = *std::move(write->lines);
  write->report = wire::LineReport::of(lines);
  write->readings = lines.readings;
  if (lines.readings == 0) {
    on_stored(*write, Accepted{});
    return;
  }
  ports_.intake.accept_durable(
      std::move(lines), {write->influx.idempotency_key},
      [this, write, alive = std::weak_ptr(alive_)](const rt::Result<Accepted>& result) {
        if (!alive.expired()) on_stored(*write, result);
      });
}

void HttpWrite::on_stored(Write& write, const rt::Result<Accepted>& result) {
  if (!result) {
    refuse(write, result.error());
    return;
  }
  bytes_ -= write.bytes;
  health_.readings += write.readings;
  if (write.report.lines_bad > 0) {
    count_error(write.report.lines_bad, write.report.errors.front().what);
  }
  write.responder->respond(wire::answer_influx_write(write.influx.version, write.report));
}

void HttpWrite::refuse(Write& write, const rt::Error& error) {
  bytes_ -= write.bytes;
  count_error(1, error.message);
  // The spool can be full too: what is too large is known by never having been parsed.
  const bool too_large = error.code == rt::Errc::kFull && !write.lines;
  write.responder->respond(too_large ? wire::refuse_influx_size(write.influx.version)
                                     : wire::refuse_influx_write(write.influx.version, error));
}

void HttpWrite::count_error(std::size_t count, const std::string& what) {
  health_.errors += count;
  health_.last_error = what;
}

}  // namespace fieldpost::agent
