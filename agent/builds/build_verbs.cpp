#include "agent/builds/build_verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "proto/rt/json_depth.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::Errc;
using rt::ok;
using rt::Status;

namespace {

/// The object, when it says which attempt it is about.
std::optional<json> parse_order(const std::string& arguments) {
  if (rt::nests_too_deep(arguments)) return std::nullopt;
  json order = json::parse(arguments, nullptr, false);
  if (!order.is_object() || !order.contains("job") || !order["job"].is_string() ||
      !order.contains("fence") || !order["fence"].is_number_unsigned()) {
    return std::nullopt;
  }
  const auto job = wire::JobId::from_hex(order["job"].get_ref<const std::string&>());
  if (!job || job->is_zero() || order["fence"] == 0) return std::nullopt;
  return order;
}

wire::JobAttempt attempt_of(const json& order) {
  return {wire::JobId::from_hex(order["job"].get_ref<const std::string&>()).value(),
          order["fence"].get<std::uint64_t>()};
}

bool is_list_of_texts(const json& list) {
  return list.is_array() &&
         std::ranges::all_of(list, [](const json& each) { return each.is_string(); });
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
  const auto add = [&](const char* verb,
                       void (BuildVerbs::*act)(const wire::Command&, const Answered&)) {
    const auto call = [this, act](const wire::Command& command, const Answered& answered) {
      (this->*act)(command, answered);
    };
    inbox.set_slow_verb(verb, {.act = call, .resume = call});
  };
  add("build", &BuildVerbs::build);
  add("build_cancel", &BuildVerbs::cancel);
  add("build_forget", &BuildVerbs::forget);
}

void BuildVerbs::build(const wire::Command& command, const Answered& answered) {
  const auto spec = parse_order(command.arguments);
  if (!spec || command.arguments.size() > wire::kJobSpecBytesMax) {
    return answered(refuse("a JobSpec of at most 128 KiB with job and fence"));
  }
  const json question = {{"do", "start"}, {"spec", *spec}};
  begin([this, question](const auto& done) { ask(question, done); }, answered);
}

void BuildVerbs::cancel(const wire::Command& command, const Answered& answered) {
  const auto order = parse_order(command.arguments);
  if (!order || !order->contains("why") || !order->at("why").is_string()) {
    return answered(refuse(R"({"job": HEX, "fence": N, "why": TEXT})"));
  }
  const json question = {{"do", "cancel"},
                         {"job", order->at("job")},
                         {"fence", order->at("fence")},
                         {"why", order->at("why")}};
  begin([this, question](const auto& done) { ask(question, done); }, answered);
}

void BuildVerbs::forget(const wire::Command& command, const Answered& answered) {
  const auto order = parse_order(command.arguments);
  if (!order || !order->contains("keep") || !is_list_of_texts(order->at("keep"))) {
    return answered(refuse(R"({"job": HEX, "fence": N, "keep": [SHA-256, ...]})"));
  }
  begin([this, attempt = attempt_of(*order),
         keep = order->at("keep")](const auto& done) { shipper_.forget(attempt, keep, done); },
        answered);
}

void BuildVerbs::ask(const json& question, const std::function<void(Status)>& done) {
  runner_.ask(question, [this, done, alive = std::weak_ptr(alive_)](const auto& reply) {
    if (alive.expired()) return;
    done(reply ? ok() : Status(reply.error()));
    shipper_.look();
  });
}

void BuildVerbs::begin(std::function<void(std::function<void(Status)>)> send, Answered answered) {
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
  const bool is_away =
      !status && (status.error().code == Errc::kUnavailable || status.error().code == Errc::kBusy);
  if (is_away && loop_.now() - order->begun < kRunnerAbsentMax) {
    order->timer = loop_.after(kRetryEvery, [this, order] { try_order(order); });
    return;
  }
  orders_.erase(order);
  std::string detail = status ? "" : status.error().message;
  if (is_away) detail += "; check that fieldpost-runner runs on that node";
  detail.resize(std::min(detail.size(), kDetailBytesMax));
  order->answered({status.has_value(), std::move(detail)});
}

}  // namespace fieldpost::agent
