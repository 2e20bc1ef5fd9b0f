#include "tests/support/fakes/fake_runner.h"

#include <algorithm>
#include <utility>

#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::sim {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t kEndlessBytes = (1 << 20) + 1;
constexpr const char* kDone = "{\"ok\":true}\n";

std::string error(const std::string& what, const std::string& code) {
  return json{{"error", what}, {"code", code}}.dump() + "\n";
}

wire::JobId id_in(const json& object) {
  return wire::JobId::from_hex(object.value("job", "")).value_or(wire::JobId{});
}

bool has_ended(const FakeRunner::Job& job) {
  return !job.facts.empty() && json::parse(job.facts.back()).value("type", "") == "ended";
}

}  // namespace

FakeRunner::FakeRunner(SimStreams& streams, std::string path)
    : streams_(streams), path_(std::move(path)) {
  start();
}

void FakeRunner::start() {
  auto listener = streams_.listen_unix(
      path_, [this](std::unique_ptr<rt::Stream> stream) { accept(std::move(stream)); });
  FP_CHECK(listener.has_value());
  listener_ = *std::move(listener);
}

void FakeRunner::stop() {
  listener_.reset();
  hang_up();
}

void FakeRunner::say_bytes(const std::string& bytes) {
  for (const auto& peer : peers_) peer->stream->send(bytes);
}

std::size_t FakeRunner::clients() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers_, [](const auto& peer) { return !peer->is_gone; }));
}

std::size_t FakeRunner::watchers() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      peers_, [](const auto& peer) { return peer->is_watching && !peer->is_gone; }));
}

FakeRunner::Job& FakeRunner::add_job(const wire::JobId& id, std::uint64_t fence) {
  Job& job = jobs[id];
  job = {};
  job.fence = fence;
  return job;
}

void FakeRunner::add_fact(const wire::JobId& id, const std::string& fact) {
  Job& job = jobs.at(id);
  job.facts.push_back(fact);
  tell({{"event", "fact"}, {"job", id.hex()}, {"n", job.facts.size() - 1}});
}

void FakeRunner::add_log(const wire::JobId& id, const std::string& bytes) {
  Job& job = jobs.at(id);
  job.log += bytes;
  tell({{"event", "log"}, {"job", id.hex()}, {"size", job.log.size()}});
}

void FakeRunner::add_artifact(const wire::JobId& id, const std::string& name,
                              const std::string& bytes) {
  jobs.at(id).artifacts[name] = bytes;
  add_fact(id, ordered_json{{"type", "artifact"},
                            {"name", name},
                            {"path", "out/" + name},
                            {"size", bytes.size()},
                            {"sha256", wire::sha256(bytes).hex()}}
                   .dump());
}

void FakeRunner::end(const wire::JobId& id) {
  add_fact(
      id,
      ordered_json{{"type", "ended"}, {"verdict", "passed"}, {"log_bytes", jobs.at(id).log.size()}}
          .dump());
}

std::vector<json> FakeRunner::asked_to(const std::string& verb) const {
  std::vector<json> out;
  for (const json& each : asked) {
    if (each.value("do", "") == verb) out.push_back(each);
  }
  return out;
}

void FakeRunner::accept(std::unique_ptr<rt::Stream> stream) {
  std::erase_if(peers_, [](const auto& peer) { return peer->is_gone; });
  peers_.push_back(std::make_unique<Peer>());
  Peer* const peer = peers_.back().get();
  peer->stream = std::move(stream);
  peer->stream->start({.on_data = [this, peer](const std::string& bytes) { take(*peer, bytes); },
                       .on_closed = [peer](const std::string&) { peer->is_gone = true; }});
}

void FakeRunner::take(Peer& peer, const std::string& bytes) {
  peer.text += bytes;
  for (std::size_t end = peer.text.find('\n'); end != std::string::npos;
       end = peer.text.find('\n')) {
    const json question = json::parse(peer.text.substr(0, end), nullptr, false);
    peer.text.erase(0, end + 1);
    FP_CHECK(question.is_object());  // ours are
    asked.push_back(question);
    answer(peer, question);
  }
}

FakeRunner::Fault FakeRunner::next_fault(const std::string& verb) {
  if (!fault_of.empty() && fault_of != verb) return Fault::kNone;
  if (faults.empty()) return fault;
  const Fault next = faults.front();
  faults.pop_front();
  return next;
}

void FakeRunner::answer(Peer& peer, const json& question) {
  const std::string verb = question.value("do", "");
  switch (next_fault(verb)) {
    case Fault::kNone: break;
    case Fault::kHangsUp: return peer.stream->close_after_send();
    case Fault::kSilent: return;
    case Fault::kGarbage: return peer.stream->send("what?\n");
    case Fault::kEndless: return peer.stream->send(std::string(kEndlessBytes, 'x'));
    case Fault::kRefuses: return peer.stream->send("{\"error\":\"it does not want to\"}\n");
    case Fault::kSaysMore: return peer.stream->send(answer_to(question) + "{}\n");
    case Fault::kHalf: {
      const std::string whole = answer_to(question);
      peer.stream->send(whole.substr(0, whole.size() / 2));
      return peer.stream->close_after_send();
    }
  }
  if (verb != "watch") return peer.stream->send(answer_to(question));
  peer.is_watching = true;
  for (const auto& [id, job] : jobs) {
    peer.stream->send(json{{"event", "log"}, {"job", id.hex()}, {"size", job.log.size()}}.dump() +
                      "\n");
  }
}

std::string FakeRunner::answer_to(const json& question) {
  const std::string verb = question.value("do", "");
  if (const auto line = says.find(verb); line != says.end()) return line->second + "\n";
  if (verb == "hello") return hello();
  if (verb == "start") return begin(question.at("spec"));
  const wire::JobId id = id_in(question);
  if (verb == "forget") return forget(id);
  const auto job = jobs.find(id);
  if (job == jobs.end()) return error("there is no job " + id.hex(), "not_found");
  if (question.contains("fence") && question["fence"] != job->second.fence) {
    return error("it is here with another fence", "denied");
  }
  return about(job->second, question);
}

std::string FakeRunner::hello() const {
  json line = {{"version", "test"}, {"boot", "b"}, {"slots", slots}, {"jobs", json::array()}};
  for (const auto& [id, job] : jobs) {
    line["jobs"].push_back({{"job", id.hex()},
                            {"fence", job.fence},
                            {"state", has_ended(job) ? "ended" : "running"},
                            {"facts", job.facts.size()},
                            {"log_bytes", job.log.size()}});
  }
  return line.dump() + "\n";
}

std::string FakeRunner::begin(const json& spec) {
  if (is_busy) return error("all slots are taken", "busy");
  const wire::JobId id = id_in(spec);
  const auto fence = spec.value("fence", std::uint64_t{0});
  const auto known = jobs.find(id);
  if (known != jobs.end() && known->second.fence != fence) {
    return error("it is here with another fence", "denied");
  }
  if (known == jobs.end()) {
    add_job(id, fence);
    add_fact(id, R"({"type":"started","time_ns":1000})");
  }
  return kDone;
}

std::string FakeRunner::forget(const wire::JobId& id) {
  const auto job = jobs.find(id);
  if (job == jobs.end()) return kDone;
  if (!has_ended(job->second)) return error("it has not ended", "busy");
  jobs.erase(job);
  return kDone;
}

std::string FakeRunner::about(Job& job, const json& question) const {
  const std::string verb = question.value("do", "");
  if (verb == "facts") return facts_of(job, question);
  if (verb == "log") return piece_of(job.log, question);
  if (verb == "artifact") {
    const auto artifact = job.artifacts.find(question.value("name", ""));
    if (artifact == job.artifacts.end()) return error("there is no such artifact", "not_found");
    return piece_of(artifact->second, question);
  }
  if (verb == "cancel") job.cancelled = question.value("why", "");
  if (verb == "fetched") job.fetched = question.value("log", std::uint64_t{0});
  return verb == "cancel" || verb == "fetched" ? kDone : error("do: expected a verb", "invalid");
}

std::string FakeRunner::facts_of(const Job& job, const json& question) const {
  ordered_json line = {{"facts", ordered_json::array()}};
  const auto from = question.value("from", std::size_t{0});
  const auto most = question.value("most", std::size_t{1000});
  for (std::size_t n = from; n < job.facts.size() && n - from < most; ++n) {
    line["facts"].push_back(ordered_json::parse(job.facts[n]));
  }
  return line.dump() + "\n";
}

std::string FakeRunner::piece_of(const std::string& whole, const json& question) const {
  const std::size_t from = std::min(question.value("from", std::size_t{0}), whole.size());
  const std::size_t most = std::min(question.value("most", std::size_t{0}), piece_most);
  const std::string bytes = whole.substr(from, most);
  const bool ended = from + bytes.size() == whole.size();
  return json{{"bytes", bytes.size()}, {"ended", ended}}.dump() + "\n" + bytes;
}

void FakeRunner::tell(const json& event) {
  for (const auto& peer : peers_) {
    if (peer->is_watching && !peer->is_gone) peer->stream->send(event.dump() + "\n");
  }
}

std::string step_fact(int step) {
  return ordered_json{{"type", "step_started"}, {"step", step}}.dump();
}

}  // namespace fieldpost::sim
