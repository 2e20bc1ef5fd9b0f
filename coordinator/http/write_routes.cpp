#include "coordinator/http/write_routes.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "proto/rt/http_text.h"
#include "proto/wire/influx_http.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::string_view kNodeOfHttp = "http";
constexpr std::size_t kDeflateRatioMax = 1032;  ///< nothing unpacks to more times its size

/// How large the body may be once it is unpacked.
std::size_t unpacked_bytes_max(const wire::InfluxWrite& write) {
  if (!write.gzip) return write.body.size();
  return std::min(write.body.size() * kDeflateRatioMax, wire::kInfluxBodyBytesMax);
}

}  // namespace

/// One body on its way; the worker's while it parses.
struct WriteRoutes::Write {
  wire::InfluxWrite influx;
  wire::LineOptions options;
  std::string node;
  std::size_t bytes_max = 0;
  std::shared_ptr<rt::HttpResponder> responder;
  std::optional<rt::Result<wire::ParsedLines>> parsed;
  wire::LineReport report;
};

void WriteRoutes::add_to(Router& router) {
  for (const char* path : {"/write", "/api/v2/write"}) {
    router.add("POST", path, [this](Call call) { write(std::move(call)); });
  }
  for (const char* path : {"/ping", "/health", "/query"}) {
    router.add("GET", path, [](const Call& call) {
      call.responder->respond(wire::answer_influx(call.request).value_or(rt::HttpResponse{}));
    });
  }
  router.add("POST", "/query", [](const Call& call) {
    call.responder->respond(wire::answer_influx(call.request).value_or(rt::HttpResponse{}));
  });
}

void WriteRoutes::write(Call call) {
  const std::string node(call.request.query("node").value_or(kNodeOfHttp));
  auto begun = wire::begin_influx_write(std::move(call.request));
  if (auto* refusal = std::get_if<rt::HttpResponse>(&begun)) {
    return call.responder->respond(std::move(*refusal));
  }
  auto influx = std::get<wire::InfluxWrite>(std::move(begun));
  const auto refuse = [&](rt::Errc code, std::string why) {
    call.responder->respond(wire::refuse_influx_write(influx.version, {code, std::move(why)}));
  };
  if (!wire::is_valid_id(node)) {
    return refuse(rt::Errc::kInvalid,
                  "parameter node: expected 1 to 63 of a-z, 0-9, _ and -, not beginning with _ or "
                  "-");
  }
  const std::size_t bytes_max = unpacked_bytes_max(influx);
  if (bytes_under_way_ + bytes_max > kWritesBytesMax) {
    return refuse(rt::Errc::kBusy, "too many writes are under way; try again later");
  }
  auto write = std::make_shared<Write>();
  write->influx = std::move(influx);
  write->options.now = services_.clock.now();
  write->node = node;
  write->bytes_max = bytes_max;
  write->responder = std::move(call.responder);
  parse(std::move(write));
}

void WriteRoutes::parse(std::shared_ptr<Write> write) {
  bytes_under_way_ += write->bytes_max;
  Write& work = *write;
  services_.parser.run(
      [&work] { work.parsed = wire::parse_influx_write(work.influx, work.options); },
      [this, write] { store(write); });
}

void WriteRoutes::store(std::shared_ptr<Write> write) {
  const auto refuse = [this, write](const rt::Error& error) {
    bytes_under_way_ -= write->bytes_max;
    write->responder->respond(error.code == rt::Errc::kFull && !write->parsed->has_value()
                                  ? wire::refuse_influx_size(write->influx.version)
                                  : wire::refuse_influx_write(write->influx.version, error));
  };
  if (!*write->parsed) return refuse(write->parsed->error());
  wire::ParsedLines& lines = **write->parsed;
  write->report = wire::LineReport::of(lines);
  const auto answer = [this, write] {
    bytes_under_way_ -= write->bytes_max;
    write->responder->respond(wire::answer_influx_write(write->influx.version, write->report));
  };
  if (lines.readings == 0) return answer();
  services_.view.write({write->node, std::move(lines), write->influx.idempotency_key},
                       [refuse, answer](rt::Result<HttpWriteAnswer> stored) {
                         stored ? answer() : refuse(stored.error());
                       });
}

}  // namespace fieldpost::coordinator
