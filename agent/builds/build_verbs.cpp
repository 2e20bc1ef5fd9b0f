#include "agent/builds/build_verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "agent/builds/build_order.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::ok;
using rt::Status;

namespace {

std::optional<std::vector<std::string>> texts_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const json& each : *found) {
    if (!each.is_string()) return std::nullopt;
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

Inbox::Answer refuse(std::string_view expected) {
  return {false, fmt::format("expected {}", expected)};
}

}  // namespace

BuildVerbs::BuildVerbs(rt::Loop& loop, RunnerLink& runner, JobShipper& shipper)
    : loop_(loop), runner_(runner), shipper_(shipper) {}

BuildVerbs::~BuildVerbs() {
  for (const auto& order : orders_) loop_.cancel(order->timer);
}

void BuildVerbs::add_to(Inbox& inbox) {
  add_to(inbox, "build", &BuildVerbs::build);
  add_to(inbox, "build_cancel", &BuildVerbs::cancel);
  add_to(inbox, "build_forget", &BuildVerbs::forget);
}

void BuildVerbs::add_to(Inbox& inbox, const std::string& name, Verb verb) {
  const auto act = [this, verb](const wire::Command& command, const Answered& answered) {
    if (orders_.size() < kOrdersMax) return (this->*verb)(command, answered);
    answered({false, fmt::format("{} orders wait already; ask again", kOrdersMax)});
  };
  const auto resume = [this, verb](const wire::Command& command, const Answered& answered) {
    (this->*verb)(command, answered);
  };
  inbox.set_slow_verb(name, {.act = act, .resume = resume});
}

void BuildVerbs::build(const wire::Command& command, const Answered& answered) {
  const bool fits = command.arguments.size() <= wire::kJobSpecBytesMax;
  const auto attempt = fits ? parse_attempt(command.arguments) : std::nullopt;
  if (!attempt) {
    return answered(refuse("a JobSpec of at most 128 KiB with job and fence"));
  }
  const json question = {{"do", "start"}, {"spec", json::parse(command.arguments)}};
  begin([this, text = question.dump(),
         attempt = *attempt](const Done& done) { start(text, attempt, done); },
        answered);
}

void BuildVerbs::cancel(const wire::Command& command, const Answered& answered) {
  const auto attempt = parse_attempt(command.arguments);
  const json order = attempt ? json::parse(command.arguments) : json();
  if (!attempt || !order.contains("why") || !order["why"].is_string()) {
    return answered(refuse(R"({"job": HEX, "fence": N, "why": TEXT})"));
  }
  const json question = {{"do", "cancel"},
                         {"job", attempt->job.hex()},
                         {"fence", attempt->fence},
                         {"why", order["why"]}};
  begin([this, text = question.dump()](const Done& done) { ask(text, done); }, answered);
}

void BuildVerbs::forget(const wire::Command& command, const Answered& answered) {
  const auto attempt = parse_attempt(command.arguments);
  const json order = attempt ? json::parse(command.arguments) : json();
  const auto keep = attempt ? texts_in(order, "keep") : std::nullopt;
  if (!keep) return answered(refuse(R"({"job": HEX, "fence": N, "keep": [SHA-256, ...]})"));
  begin([this, attempt = *attempt,
         keep = *keep](const Done& done) { shipper_.forget(attempt, keep, done); },
        answered);
}

void BuildVerbs::start(const std::string& question, const wire::JobAttempt& attempt,
                       const Done& done) {
  ask(question, [this, attempt, done](const Status& status) {
    if (!status) return done(status);
    shipper_.expect(attempt, [done] { done(ok()); });
  });
}

void BuildVerbs::ask(const std::string& question, const Done& done) {
  runner_.ask(question,
              [this, done, alive = std::weak_ptr(alive_)](const rt::Result<RunnerReply>& reply) {
                if (alive.expired()) return;
                done(reply ? ok() : Status(reply.error()));
                if (!alive.expired()) shipper_.look();
              });
}

void BuildVerbs::begin(std::function<void(Done)> send, Answered answered) {
  auto order = std::make_shared<Order>(
      Order{std::move(send), std::move(answered), loop_.now(), rt::TimerId::kNone});
  orders_.insert(order);
  try_order(order);
}

void BuildVerbs::try_order(const std::shared_ptr<Order>& order) {
  order->send([this, order, alive = std::weak_ptr(alive_)](const Status& status) {
    if (!alive.expired()) on_sent(order, status);
  });
}

void BuildVerbs::on_sent(const std::shared_ptr<Order>& order, const Status& status) {
  const bool is_away = !status && is_runner_away(status.error().code);
  if (is_away && loop_.now() - order->begun < kRunnerAbsentMax) {
    order->timer = loop_.after(kRetryEvery, [this, order] { try_order(order); });
    return;
  }
  orders_.erase(order);
  std::string detail = status ? "" : status.error().message;
  detail.resize(std::min(detail.size(), kDetailBytesMax));
  if (is_away && status.error().code != rt::Errc::kBusy)
    detail += "; check that fieldpost-runner runs on that node";
  order->answered({status.has_value(), std::move(detail)});
}

}  // namespace fieldpost::agent
