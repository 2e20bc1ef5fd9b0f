#include "coordinator/http/experiment_routes.h"

#include <algorithm>
#include <utility>

#include "coordinator/experiments/study_json.h"
#include "coordinator/experiments/uuid.h"
#include "coordinator/http/study_answers.h"

namespace fieldpost::coordinator {
namespace {

constexpr char kExperimentCursor = 'E';
constexpr const char* kExpected =
    R"(expected a JSON object such as {"name": "drought", "config": "greenhouse", )"
    R"("nodes": ["greenhouse-*"]})";
constexpr const char* kStateExpected =
    R"(expected a JSON object such as {"state": "ready"}; the states are draft, ready, recording, )"
    "paused, finished, archived";

void list_experiments(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const std::size_t limit = parameters.limit(kPageDefault, kPageMax);
  const TimeFormat times = parameters.times();
  ExperimentFilter filter;
  filter.owner = parameters.text("owner");
  const std::string state = parameters.text("state");
  filter.state = parse_experiment_state(state);
  if (!state.empty() && !filter.state) {
    parameters.complain("state", "expected draft, ready, recording, paused, finished or archived");
  }
  const std::int64_t after = row_after(parameters, kExperimentCursor);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [filter, after, limit, times](StudyReader& reader) -> rt::Result<std::string> {
        const auto page = reader.studies.experiments.list(filter, after, limit);
        if (!page) return page.error();
        std::string items;
        for (const Experiment& each : *page) append_item(items, experiment_json(each, times));
        const bool full = page->size() == limit;
        return page_json(items, kExperimentCursor, full, full ? page->back().no : 0);
      },
      answer_study(std::move(call.responder)));
}

rt::Result<ExperimentDetail> detail_of(StudyReader& reader, const std::string& id,
                                       std::int64_t now) {
  ExperimentDetail detail;
  auto experiment = reader.studies.experiments.find(id);
  if (!experiment) return experiment.error();
  detail.experiment = *std::move(experiment);
  auto members = load_members(reader.studies, detail.experiment);
  if (!members) return members.error();
  detail.members = *std::move(members);
  const auto recordings = reader.studies.recordings.all(detail.experiment.no);
  if (!recordings) return recordings.error();
  detail.recordings = recordings->size();
  detail.recordings_open = static_cast<std::size_t>(std::ranges::count_if(
      *recordings, [](const Recording& recording) { return !recording.stopped; }));
  auto outstanding =
      outstanding_of(reader.studies, reader.db, reader.query, detail.experiment, now);
  if (!outstanding) return outstanding.error();
  detail.outstanding = *std::move(outstanding);
  auto wrong = reader.studies.health.open_ones(detail.experiment.no, kPageMax);
  if (!wrong) return wrong.error();
  detail.wrong = *std::move(wrong);
  auto sampling = plan_sampling(reader.studies, detail.experiment, kPageMax);
  if (!sampling) return sampling.error();
  detail.sampling = *std::move(sampling);
  return detail;
}

void show_experiment(Services& services, Call call) {
  Parameters parameters(call.request.target);
  const TimeFormat times = parameters.times();
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [id = call.path[0], times,
       now = services.clock.now().ns](StudyReader& reader) -> rt::Result<std::string> {
        const auto detail = detail_of(reader, id, now);
        if (!detail) return detail.error();
        return detail_json(*detail, times);
      },
      answer_study(std::move(call.responder)));
}

/// What a body says of an experiment; members that are absent stay as they are.
struct ExperimentEdit {
  std::optional<std::string> name, description, owner, config;
  std::int64_t config_version = 0;  ///< 0: the newest
  std::optional<std::vector<std::string>> nodes;
};

std::optional<std::string> text_if_there(JsonFields& fields, const char* name,
                                         std::size_t bytes_max) {
  if (!fields.has(name)) return std::nullopt;
  return fields.text(name, bytes_max);
}

ExperimentEdit read_edit(JsonFields& fields) {
  fields.only({"name", "description", "owner", "config", "config_version", "nodes", "by"});
  ExperimentEdit edit;
  if (fields.has("name")) edit.name = name_in(fields);
  edit.description = text_if_there(fields, "description", kDescriptionBytesMax);
  edit.owner = text_if_there(fields, "owner", kNameBytesMax);
  edit.config = text_if_there(fields, "config", kNameBytesMax);
  edit.config_version = fields.integer("config_version").value_or(0);
  if (edit.config_version < 0) fields.complain("config_version", "expected at least 1");
  if (fields.has("nodes")) edit.nodes = fields.texts("nodes", kNodePatternsMax);
  return edit;
}

rt::Status apply_config(Studies& studies, const ExperimentEdit& edit, Experiment& experiment) {
  if (!edit.config && edit.config_version == 0) return rt::ok();
  if (experiment.state != ExperimentState::kDraft) {
    return rt::Error{rt::Errc::kDenied, "its config is chosen while it is a draft"};
  }
  const std::string name =
      edit.config.value_or(experiment.config ? experiment.config->name : std::string());
  const auto config = studies.configs.find(name, edit.config_version);
  if (!config) return config.error();
  experiment.config = ConfigRef{config->name, config->version};
  return rt::ok();
}

rt::Status apply(Studies& studies, const ExperimentEdit& edit, Experiment& experiment) {
  if (experiment.state == ExperimentState::kArchived) {
    return rt::Error{rt::Errc::kDenied, "it is archived and stays as it is"};
  }
  const bool has_recorded =
      experiment.state != ExperimentState::kDraft && experiment.state != ExperimentState::kReady;
  if (edit.nodes && *edit.nodes != experiment.nodes && has_recorded) {
    return rt::Error{rt::Errc::kDenied, "its nodes are chosen before it records"};
  }
  if (edit.name) experiment.name = *edit.name;
  if (edit.description) experiment.description = *edit.description;
  if (edit.owner) experiment.owner = *edit.owner;
  if (edit.nodes) experiment.nodes = *edit.nodes;
  return apply_config(studies, edit, experiment);
}

void create_experiment(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  const ExperimentEdit edit = read_edit(fields);
  if (!edit.name) fields.complain("name", "expected the experiment's name");
  if (refuse_bad(fields, *call.responder)) return;
  Experiment experiment;
  experiment.id = make_uuid(services.random);
  experiment.created = services.clock.now().ns;
  services.studies.change<std::string>(
      [experiment, edit](Studies& studies) mutable -> rt::Result<std::string> {
        if (auto done = apply(studies, edit, experiment); !done) return done.error();
        const auto made = studies.experiments.create(experiment);
        if (!made) return made.error();
        return experiment_json(*made, TimeFormat::kRfc3339);
      },
      answer_study(std::move(call.responder), 201));
}

void edit_experiment(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  const ExperimentEdit edit = read_edit(fields);
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [id = call.path[0], edit](Studies& studies) -> rt::Result<std::string> {
        auto experiment = studies.experiments.find(id);
        if (!experiment) return experiment.error();
        if (auto done = apply(studies, edit, *experiment); !done) return done.error();
        if (auto done = studies.experiments.update(*experiment); !done) return done.error();
        return experiment_json(*experiment, TimeFormat::kRfc3339);
      },
      answer_study(std::move(call.responder)));
}

struct StateCall {
  std::string id;
  Studies::Change change;
  std::shared_ptr<rt::HttpResponder> responder;
};

void enter_state(Services& services, const StateCall& asked) {
  services.studies.change<std::string>(
      [id = asked.id, change = asked.change](Studies& studies) -> rt::Result<std::string> {
        const auto experiment = studies.experiments.find(id);
        if (!experiment) return experiment.error();
        const auto changed = studies.change_state(*experiment, change);
        if (!changed) return changed.error();
        return experiment_json(*changed, TimeFormat::kRfc3339);
      },
      answer_study(asked.responder));
}

/// Whether it is complete is a question; all else is judged where it is changed.
void change_state(Services& services, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kStateExpected);
  fields.only({"state", "incomplete", "by"});
  const auto to = parse_experiment_state(fields.required_text("state"));
  if (!to) fields.complain("state", kStateExpected);
  StateCall asked{call.path[0], {}, call.responder};
  asked.change.is_complete = fields.flag("incomplete", false);
  asked.change.by = who(fields, call);
  asked.change.now = services.clock.now().ns;
  if (refuse_bad(fields, *call.responder)) return;
  asked.change.to = *to;
  if (*to != ExperimentState::kArchived || asked.change.is_complete) {
    return enter_state(services, asked);
  }
  services.studies.ask<bool>(
      [id = asked.id, now = asked.change.now](StudyReader& reader) -> rt::Result<bool> {
        const auto detail = detail_of(reader, id, now);
        if (!detail) return detail.error();
        return detail->outstanding.empty();
      },
      [&services, asked](rt::Result<bool> complete) mutable {
        if (!complete) return asked.responder->respond(study_refusal(complete.error()));
        asked.change.is_complete = *complete;
        enter_state(services, asked);
      });
}

}  // namespace

void add_experiment_routes(Router& router, Services& services) {
  const auto add = [&](const char* method, const char* path, void (*handler)(Services&, Call)) {
    router.add(method, path,
               [&services, handler](Call call) { handler(services, std::move(call)); });
  };
  add("GET", "/api/v1/experiments", list_experiments);
  add("POST", "/api/v1/experiments", create_experiment);
  add("GET", "/api/v1/experiments/{id}", show_experiment);
  add("PATCH", "/api/v1/experiments/{id}", edit_experiment);
  add("POST", "/api/v1/experiments/{id}/state", change_state);
}

}  // namespace fieldpost::coordinator
