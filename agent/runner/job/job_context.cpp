#include "agent/runner/job/job_context.h"

#include <nlohmann/json.hpp>

namespace fieldpost::agent::runner {

using nlohmann::json;

namespace {

json object_of(const Pairs& pairs) {
  json object = json::object();
  for (const auto& [name, value] : pairs) object[name] = value;
  return object;
}

/// In the words of GitHub workflows.
std::string word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed: return "success";
    case Verdict::kCancelled: return "cancelled";
    case Verdict::kFailed:
    case Verdict::kTimedOut:
    case Verdict::kSilent:
    case Verdict::kOutOfMemory:
    case Verdict::kDiskFull:
    case Verdict::kInterrupted: return "failure";
  }
  return "failure";
}

}  // namespace

struct JobContext::State {
  json names;
};

JobContext::JobContext(const Job& job) : state_(std::make_unique<State>()) {
  state_->names = json::parse(job.context, nullptr, false);
  if (!state_->names.is_object()) state_->names = json::object();
  state_->names["secrets"] = object_of(job.secrets);
  state_->names["steps"] = json::object();
}

JobContext::~JobContext() = default;

void JobContext::add_step(const std::string& id, Verdict outcome, bool forgiven,
                          const Pairs& outputs) {
  if (id.empty()) return;
  state_->names["steps"][id] = {{"outputs", object_of(outputs)},
                                {"outcome", word_of(outcome)},
                                {"conclusion", forgiven ? "success" : word_of(outcome)}};
}

void JobContext::skip_step(const std::string& id) {
  if (id.empty()) return;
  state_->names["steps"][id] = {
      {"outputs", json::object()}, {"outcome", "skipped"}, {"conclusion", "skipped"}};
}

ExpressionContext JobContext::expressions(Verdict verdict, const Pairs& env) const {
  json names = state_->names;
  names["env"] = object_of(env);
  names["job"] = {{"status", word_of(verdict)}};
  ExpressionContext context;
  context.json = names.dump(-1, ' ', false, json::error_handler_t::replace);
  context.cancelled = verdict == Verdict::kCancelled;
  context.failed = verdict != Verdict::kPassed && !context.cancelled;
  return context;
}

}  // namespace fieldpost::agent::runner
