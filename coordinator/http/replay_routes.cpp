#include "coordinator/http/replay_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coordinator/http/answers.h"
#include "proto/rt/http_text.h"
#include "proto/rt/json_depth.h"

namespace fieldpost::coordinator {
namespace {

using nlohmann::json;

constexpr rt::Nanos kBusyPause = rt::Millis(100);
constexpr const char* kExpected =
    R"(expected a JSON object such as {"node": "a", "rules": {…}, "from": "2024-05-01T00:00:00Z",)"
    R"( "dry": false}, or {"node": "a", "give_up": false} for what is quarantined)";

enum class State : std::uint8_t { kReading, kReplacing, kDone, kFailed, kCancelled };

std::string_view to_string(State state) {
  switch (state) {
    case State::kReading: return "reading";
    case State::kReplacing: return "replacing";
    case State::kDone: return "done";
    case State::kFailed: return "failed";
    case State::kCancelled: return "cancelled";
  }
  return "";
}

/// What a body asks for. The first thing wrong is kept.
class Body {
 public:
  explicit Body(const std::string& text) {
    if (!rt::nests_too_deep(text))
      object_ = json::parse(text.empty() ? "{}" : text, nullptr, false);
    if (!object_.is_object()) problem_ = kExpected;
  }
  [[nodiscard]] bool has(const char* name) const {
    return object_.is_object() && object_.contains(name);
  }
  std::string text(const char* name) {
    if (!has(name)) return {};
    if (object_[name].is_string()) return object_[name].get<std::string>();
    complain(name, "expected a string");
    return {};
  }
  bool flag(const char* name, bool otherwise) {
    if (!has(name)) return otherwise;
    if (object_[name].is_boolean()) return object_[name].get<bool>();
    complain(name, "expected true or false");
    return otherwise;
  }
  std::int64_t time(const char* name, std::int64_t otherwise) {
    if (!has(name)) return otherwise;
    const json& value = object_[name];
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
    if (fits) return value.get<std::int64_t>();
    const auto time = value.is_string() ? parse_time(value.get<std::string>()) : std::nullopt;
    if (!time) complain(name, kTimeExpected);
    return time.value_or(otherwise);
  }
  [[nodiscard]] std::string object(const char* name) const { return object_[name].dump(); }
  /// Nothing but these; a misspelt one must not widen what is done.
  void only(std::initializer_list<std::string_view> names) {
    if (!object_.is_object()) return;
    for (const auto& [key, value] : object_.items()) {
      if (std::ranges::find(names, key) == names.end()) complain(key, "nothing has this name here");
    }
  }
  void complain(std::string_view name, std::string_view expected) {
    if (problem_.empty()) problem_ = fmt::format("\"{}\": {}", name, expected);
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  json object_;
  std::string problem_;
};

void refuse(rt::HttpResponder& responder, const std::string& what) {
  responder.respond(rt::problem_response(400, what));
}

/// Records that were not understood: {"node": "greenhouse-3", "give_up": true}. Both may be absent,
/// but what is given up is one node's.
void reprocess_quarantined(Services& services, Body body,
                           std::shared_ptr<rt::HttpResponder> responder) {
  body.only({"node", "give_up"});
  const std::string node = body.text("node");
  const bool give_up = body.flag("give_up", false);
  if (give_up && node.empty())
    body.complain("give_up", "needs the node whose records are given up");
  if (!body.problem().empty()) return refuse(*responder, body.problem());
  services.view.reprocess(node, give_up,
                          [responder = std::move(responder)](rt::Result<ReprocessView> outcome) {
                            if (!outcome)
                              return responder->respond(error_response(outcome.error()));
                            responder->respond(json_response(json{
                                {"stored", outcome->stored},
                                {"given_up", outcome->given_up},
                                {"left", outcome->left}}.dump()));
                          });
}

}  // namespace

struct ReplayRoutes::Job {
  std::uint64_t id = 0;
  std::string node;
  bool dry = false;
  State state = State::kReading;
  bool cancelled = false;
  std::shared_ptr<Replay> replay;  ///< the worker's while a step runs; gone when it is over
  std::string source;
  ReplayProgress progress;  ///< as of the last step
  Replaced replaced;
  std::string error;

  [[nodiscard]] bool is_over() const {
    return state != State::kReading && state != State::kReplacing;
  }
  void fail(const rt::Error& why) {
    state = State::kFailed;
    error = why.message;
    replay.reset();
  }
  [[nodiscard]] std::string to_json() const {
    nlohmann::ordered_json out = {{"id", id},
                                  {"node", node},
                                  {"source", source},
                                  {"dry", dry},
                                  {"state", to_string(state)},
                                  {"messages", progress.messages},
                                  {"messages_total", progress.messages_total},
                                  {"readings", progress.readings},
                                  {"old_readings", progress.old_readings},
                                  {"unmapped", progress.unmapped},
                                  {"first_error", progress.first_error},
                                  {"removed", replaced.removed},
                                  {"added", replaced.added},
                                  {"error", error}};
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
  }
};

void ReplayRoutes::add_to(Router& router) {
  router.add("POST", "/api/v1/reprocess", [this](Call call) { post(std::move(call)); });
  router.add("GET", "/api/v1/reprocess", [this](const Call& call) { list(call); });
  router.add("GET", "/api/v1/reprocess/{id}", [this](const Call& call) { show(call); });
  router.add("DELETE", "/api/v1/reprocess/{id}", [this](const Call& call) { cancel(call); });
}

void ReplayRoutes::post(Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  Body body(call.request.body);
  if (!body.has("rules")) {
    return reprocess_quarantined(services_, std::move(body), std::move(call.responder));
  }
  body.only({"node", "source", "from", "to", "rules", "dry"});
  ReplayRequest request;
  request.node = body.text("node");
  request.source = body.text("source");
  request.range.from = body.time("from", INT64_MIN);
  request.range.to = body.time("to", INT64_MAX);
  request.by = std::string(host_of(call.request.peer));
  const bool dry = body.flag("dry", true);
  if (request.node.empty()) body.complain("node", "expected the node whose messages they are");
  if (request.range.from >= request.range.to) body.complain("to", "expected a time after \"from\"");
  auto rules = mapping::parse_rules(body.object("rules"));
  if (!rules) body.complain("rules", rules.error().message);
  if (!body.problem().empty()) return refuse(*call.responder, body.problem());
  request.rules = *std::move(rules);
  start(std::move(request), dry, *call.responder);
}

void ReplayRoutes::start(ReplayRequest request, bool dry, rt::HttpResponder& responder) {
  if (!jobs_.empty() && !jobs_.back()->is_over()) {
    return responder.respond(rt::problem_response(
        409,
        fmt::format("replay {} is under way: wait for its end, or DELETE it", jobs_.back()->id)));
  }
  auto job = std::make_shared<Job>();
  // Not those of before a restart again: somebody may still ask for them.
  job->id = std::max(
      last_id_ + 1,
      static_cast<std::uint64_t>(std::max<std::int64_t>(services_.clock.now().ns, 0) / 1'000'000));
  last_id_ = job->id;
  job->node = request.node;
  job->source = request.source;
  job->dry = dry;
  auto replay = Replay::make(std::move(request));
  if (!replay) return responder.respond(error_response(replay.error()));
  job->replay = std::make_shared<Replay>(*std::move(replay));
  jobs_.push_back(job);
  if (jobs_.size() > kReplaysKept) jobs_.pop_front();
  responder.respond(json_response(job->to_json(), 202));
  go_on(job);
}

void ReplayRoutes::go_on(const JobPtr& job) {
  services_.desk.ask<bool>(
      [replay = job->replay](ReadingQuery& query) { return replay->step(query); },
      [this, job](const rt::Result<bool>& more) { on_step(job, more); });
}

void ReplayRoutes::on_step(const JobPtr& job, const rt::Result<bool>& more) {
  if (job->cancelled) {
    job->state = State::kCancelled;
    job->replay.reset();
    return;
  }
  if (!more && more.error().code == rt::Errc::kBusy) {
    services_.loop.after(kBusyPause, [this, job] { go_on(job); });
    return;
  }
  if (!more) return job->fail(more.error());
  job->progress = job->replay->progress();
  job->source = job->replay->source();
  if (*more) return go_on(job);
  if (!job->dry) return apply(job);
  job->state = State::kDone;
  job->replay.reset();
}

void ReplayRoutes::apply(const JobPtr& job) {
  job->state = State::kReplacing;
  services_.desk.ask<Replacement>(
      [replay = job->replay](ReadingQuery&) { return replay->take_replacement(); },
      [this, job](rt::Result<Replacement> replacement) {
        if (!replacement) {  // too many questions wait
          services_.loop.after(kBusyPause, [this, job] { apply(job); });
          return;
        }
        replace(job, *std::move(replacement));
      });
}

void ReplayRoutes::replace(const JobPtr& job, Replacement replacement) {
  services_.view.replace_readings(std::move(replacement),
                                  [job](const rt::Result<Replaced>& replaced) {
                                    if (!replaced) return job->fail(replaced.error());
                                    job->replaced = *replaced;
                                    job->state = State::kDone;
                                    job->replay.reset();
                                  });
}

ReplayRoutes::JobPtr ReplayRoutes::find(const Call& call) const {
  const std::string& text = call.path[0];
  std::uint64_t id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  const auto found = std::ranges::find_if(jobs_, [&](const JobPtr& job) { return job->id == id; });
  const bool is_number = failed == std::errc{} && end == text.data() + text.size();
  if (is_number && found != jobs_.end()) return *found;
  call.responder->respond(rt::problem_response(
      404, fmt::format("no replay {}: those of before the coordinator's start are forgotten; each "
                       "either changed all that it was to change, or nothing",
                       text)));
  return nullptr;
}

void ReplayRoutes::list(const Call& call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  std::string items;
  for (const JobPtr& job : jobs_) items += (items.empty() ? "" : ",") + job->to_json();
  call.responder->respond(json_response(list_json(items, "")));
}

void ReplayRoutes::show(const Call& call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  if (const JobPtr job = find(call)) call.responder->respond(json_response(job->to_json()));
}

/// While the readings are being replaced it is too late: the answer shows the state.
void ReplayRoutes::cancel(const Call& call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  const JobPtr job = find(call);
  if (!job) return;
  if (job->state == State::kReading) job->cancelled = true;
  call.responder->respond(json_response(job->to_json(), 202));
}

}  // namespace fieldpost::coordinator
