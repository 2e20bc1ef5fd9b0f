#include "coordinator/http/health_routes.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "coordinator/http/answers.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

std::string escape(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

void append_sample(std::string& out, const std::string& name, const Metric::Sample& sample) {
  out += name;
  std::string labels;
  for (const auto& [key, value] : sample.labels) {
    labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", key, escape(value, true));
  }
  if (!labels.empty()) out += "{" + labels + "}";
  fmt::format_to(std::back_inserter(out), " {}\n", sample.value);
}

Metric number(std::string name, std::string help, MetricKind kind, std::uint64_t value) {
  return {std::move(name), std::move(help), kind, {{{}, static_cast<double>(value)}}};
}

void append_http_metrics(std::vector<Metric>& metrics, const rt::HttpCounters& http) {
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    metrics.push_back(number(fmt::format("fieldpost_http_{}_total", name), std::string(help),
                             MetricKind::kCounter, value));
  };
  add("connections", "Connections accepted.", http.connections);
  add("connections_refused", "Connections over the bound.", http.connections_refused);
  add("requests", "Requests handed to a route.", http.requests);
  add("requests_bad", "Requests that the server itself refused.", http.requests_bad);
  add("requests_late", "Requests that did not arrive in time.", http.requests_late);
  add("bodies_refused", "Bodies over the bound of all bodies together.", http.bodies_refused);
  add("readers_dropped", "Clients dropped because they did not read.", http.readers_dropped);
  metrics.push_back(number("fieldpost_http_connections_open", "Connections open now.",
                           MetricKind::kGauge, http.connections_open));
  metrics.push_back(number("fieldpost_http_streams_open", "Streams open now.", MetricKind::kGauge,
                           http.streams_open));
}

void answer_metrics(const Services& services, const Call& call) {
  std::vector<Metric> metrics = services.view.metrics();
  metrics.push_back({"fieldpost_build_info",
                     "The version that runs.",
                     MetricKind::kGauge,
                     {{{{"version", services.version}}, 1}}});
  metrics.push_back(number("fieldpost_questions_total", "Questions about readings answered.",
                           MetricKind::kCounter, services.desk.asked()));
  metrics.push_back(number("fieldpost_questions_refused_total",
                           "Questions about readings over the bound.", MetricKind::kCounter,
                           services.desk.refused()));
  if (services.route_metrics) {
    for (Metric& metric : services.route_metrics()) metrics.push_back(std::move(metric));
  }
  if (services.http_counters) append_http_metrics(metrics, services.http_counters());
  rt::HttpResponse response;
  response.headers.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = format_metrics(metrics);
  call.responder->respond(std::move(response));
}

/// A question of no weight that reads the store's file all the same.
rt::Result<bool> ask_store(ReadingQuery& query) {
  const auto series = query.series({}, 0, 1);
  return series ? rt::Result<bool>(true) : rt::Result<bool>(series.error());
}

void answer_readiness(const Services& services, Call call) {
  const Readiness readiness = services.view.readiness();
  if (!readiness.ready) {
    return call.responder->respond(error_response({rt::Errc::kUnavailable, readiness.why_not}));
  }
  services.desk.ask<bool>(
      &ask_store, [responder = std::move(call.responder)](const rt::Result<bool>& answered) {
        responder->respond(answered ? json_response(R"({"status":"ready"})")
                                    : error_response({rt::Errc::kUnavailable,
                                                      "the store: " + answered.error().message}));
      });
}

}  // namespace

std::string format_metrics(const std::vector<Metric>& metrics) {
  std::string out;
  for (const Metric& metric : metrics) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", metric.name,
                   escape(metric.help, false), metric.name,
                   metric.kind == MetricKind::kCounter ? "counter" : "gauge");
    for (const Metric::Sample& sample : metric.samples) append_sample(out, metric.name, sample);
  }
  return out;
}

void add_health_routes(Router& router, Services& services) {
  router.add("GET", "/healthz", [](const Call& call) {
    call.responder->respond(json_response(R"({"status":"ok"})"));
  });
  router.add("GET", "/readyz",
             [&services](Call call) { answer_readiness(services, std::move(call)); });
  router.add("GET", "/metrics", [&services](const Call& call) { answer_metrics(services, call); });
}

}  // namespace fieldpost::coordinator
