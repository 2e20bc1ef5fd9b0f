#include "agent/builds/artifact_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "agent/builds/build_order.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

static_assert(ArtifactSender::kRunnerAbsentMax < BodyWriter::kBegunWaitMax);
static_assert(ArtifactSender::kCatchUpBytes <= kRunnerBytesMax);

namespace {

constexpr const char* kMediaType = "application/octet-stream";
constexpr const char* kMeasurement = "fieldpost_artifact";
constexpr const char* kField = "body";

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// What a fact says of the file.
struct ArtifactFact {
  wire::Sha256Digest hash;
  std::uint64_t size = 0;
};

std::optional<ArtifactFact> artifact_of(const json& fact) {
  const auto hash = wire::Sha256Digest::from_hex(text_in(fact, "sha256"));
  const auto size = fact.find("size");
  if (!hash || size == fact.end() || !size->is_number_unsigned()) return std::nullopt;
  return ArtifactFact{*hash, size->get<std::uint64_t>()};
}

}  // namespace

/// An artifact that is to be sent.
struct ArtifactSender::Order {
  wire::JobAttempt attempt;
  std::string name;
  Answered answered;
  std::uint64_t next_fact = 0;       ///< to look at
  std::optional<rt::UnixTime> time;  ///< of the start of the job
  ArtifactFact artifact;
  wire::Sha256 hash;         ///< of the first `hashed` bytes
  std::uint64_t hashed = 0;  ///< read so far
  std::string piece;         ///< what there is of the one that is asked for
  rt::Instant asked;
  rt::TimerId timer = rt::TimerId::kNone;

  [[nodiscard]] json question(const char* verb) const {
    return {{"do", verb}, {"job", attempt.job.hex()}, {"fence", attempt.fence}};
  }
};

ArtifactSender::ArtifactSender(rt::Loop& loop, const rt::WallClock& clock, RunnerLink& runner,
                               BodyWriter& bodies)
    : loop_(loop), clock_(clock), runner_(runner), bodies_(bodies) {}

ArtifactSender::~ArtifactSender() {
  for (const OrderPtr& order : orders_) loop_.cancel(order->timer);
}

void ArtifactSender::add_to(Inbox& inbox) {
  const auto act = [this](const wire::Command& command, const Answered& answered) {
    if (orders_.size() < kOrdersMax) return begin(command, answered);
    answered({false, fmt::format("{} orders wait already; ask again", kOrdersMax)});
  };
  const auto resume = [this](const wire::Command& command, const Answered& answered) {
    begin(command, answered);
  };
  inbox.set_slow_verb("artifact", {.act = act, .resume = resume});
}

void ArtifactSender::begin(const wire::Command& command, const Answered& answered) {
  const auto attempt = parse_attempt(command.arguments);
  const json said = attempt ? json::parse(command.arguments) : json::object();
  const std::string name = text_in(said, "name"), form = text_in(said, "form");
  const bool is_named = !name.empty() && name.size() <= kNameBytesMax;
  if (!attempt || !is_named || (form != "whole" && form != "delta")) {
    return answered({false,
                     R"(expected {"job": HEX, "fence": N, "name": TEXT, "form": "whole"}, or )"
                     R"("form": "delta" with "base")"});
  }
  if (form == "delta") return answered({false, "base_gone"});  // no bases are kept
  auto order = std::make_shared<Order>();
  order->attempt = *attempt;
  order->name = name;
  order->answered = answered;
  orders_.insert(order);
  find(order);
}

// ---- what it is ----

void ArtifactSender::find(const OrderPtr& order) {
  json question = order->question("facts");
  question["from"] = order->next_fact;
  question["most"] = kFactsAtOnce;
  ask(order, question.dump(), [this, order](const Result<RunnerReply>& reply) {
    if (!reply) return finish(order, {false, reply.error().message});
    look_through(order, *reply);
  });
}

void ArtifactSender::look_through(const OrderPtr& order, const RunnerReply& reply) {
  if (reply.facts.empty()) {
    return finish(order, {false, "the runner knows no artifact of this name"});
  }
  order->next_fact += reply.facts.size();
  for (const RunnerFact& each : reply.facts) {
    const json fact = json::parse(each.text);
    if (each.type == "started" && fact.contains("time_ns") && fact["time_ns"].is_number_integer()) {
      order->time = rt::UnixTime{fact["time_ns"].get<std::int64_t>()};
    }
    if (each.type != "artifact" || text_in(fact, "name") != order->name) continue;
    const auto artifact = artifact_of(fact);
    if (!artifact) return finish(order, {false, "its fact does not say size and sha256"});
    if (artifact->size == 0) return finish(order, {false, "it is empty: there is nothing to send"});
    order->artifact = *artifact;
    return offer(order);
  }
  find(order);
}

/// The time of its reading is that of the job, so that it is the same whenever it is sent.
void ArtifactSender::offer(const OrderPtr& order) {
  BodyOffer body;
  body.reference = {order->artifact.hash, order->artifact.size, kMediaType,
                    wire::is_body_name(order->name) ? order->name : ""};
  body.series = {kMeasurement,
                 {{"job", order->attempt.job.hex()}, {"name", order->name}},
                 kField,
                 wire::ValueType::kString,
                 ""};
  body.time = order->time.value_or(clock_.now());
  body.stamped = !order->time;
  body.patient = true;
  body.in_windows = true;
  body.read = [this, order, alive = std::weak_ptr(alive_)](std::uint64_t offset, std::size_t size,
                                                           auto done) {
    if (!alive.expired()) read(order, {offset, offset + size, std::move(done)});
  };
  bodies_.accept(std::move(body),
                 [this, order, alive = std::weak_ptr(alive_)](const Status& status) {
                   if (!alive.expired()) on_stored(order, status);
                 });
}

void ArtifactSender::on_stored(const OrderPtr& order, const Status& status) {
  if (status) return finish(order, {true, ""});
  if (status.error().code != Errc::kBusy) return finish(order, {false, status.error().message});
  order->timer = loop_.after(kRetryEvery, [this, order] { offer(order); });
}

// ---- its bytes ----

/// They are asked for in their order, but for those that a former life had written, or offered.
void ArtifactSender::read(const OrderPtr& order, const Wanted& wanted) {
  if (order->hashed > wanted.offset) {
    order->hash = wire::Sha256();
    order->hashed = 0;
  }
  order->piece.clear();
  read_on(order, wanted);
}

void ArtifactSender::read_on(const OrderPtr& order, const Wanted& wanted) {
  const std::uint64_t at = order->hashed;
  if (at == wanted.end) {
    const bool is_last = wanted.end == order->artifact.size;
    if (is_last && order->hash.digest() != order->artifact.hash) {
      return wanted.done(Error{Errc::kInvalid, "its bytes are not those that its fact tells of"});
    }
    return wanted.done(std::exchange(order->piece, {}));
  }
  const bool is_wanted = at >= wanted.offset;
  const std::uint64_t most =
      is_wanted ? wanted.end - at : std::min(kCatchUpBytes, wanted.offset - at);
  json question = order->question("artifact");
  question["name"] = order->name;
  question["from"] = at;
  question["most"] = most;
  ask(order, question.dump(),
      [this, order, wanted, most, is_wanted](const Result<RunnerReply>& reply) {
        if (!reply) return wanted.done(reply.error());
        if (reply->bytes.empty() || reply->bytes.size() > most) {
          return wanted.done(Error{Errc::kInvalid, "its size is not what its fact tells"});
        }
        order->hash.add(reply->bytes);
        order->hashed += reply->bytes.size();
        if (is_wanted) order->piece += reply->bytes;
        read_on(order, wanted);
      });
}

// ---- of the runner ----

void ArtifactSender::ask(const OrderPtr& order, const std::string& question, const Take& take) {
  order->asked = loop_.now();
  try_ask(order, question, take);
}

void ArtifactSender::try_ask(const OrderPtr& order, const std::string& question, const Take& take) {
  runner_.ask(question, [this, order, question, take,
                         alive = std::weak_ptr(alive_)](const Result<RunnerReply>& reply) {
    if (alive.expired()) return;
    const bool is_away = !reply && is_runner_away(reply.error().code);
    if (!is_away || loop_.now() - order->asked >= kRunnerAbsentMax) return take(reply);
    order->timer =
        loop_.after(kRetryEvery, [this, order, question, take] { try_ask(order, question, take); });
  });
}

void ArtifactSender::finish(const OrderPtr& order, Inbox::Answer answer) {
  orders_.erase(order);
  answer.detail.resize(std::min(answer.detail.size(), kDetailBytesMax));
  order->answered(std::move(answer));
}

}  // namespace fieldpost::agent
