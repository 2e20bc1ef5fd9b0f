// Participants, operators and tasks of an experiment: three lists of one shape.
#include <utility>

#include "coordinator/experiments/study_json.h"
#include "coordinator/experiments/uuid.h"
#include "coordinator/http/experiment_routes.h"
#include "coordinator/http/study_answers.h"

namespace fieldpost::coordinator {
namespace {

constexpr const char* kExpected =
    R"(expected a JSON object such as {"name": "P01", "description": "left-handed"})";

void list_members(Services& services, MemberKind kind, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.ask<std::string>(
      [id = call.path[0], kind](StudyReader& reader) -> rt::Result<std::string> {
        const auto experiment = reader.studies.experiments.find(id);
        if (!experiment) return experiment.error();
        const auto members = reader.studies.experiments.members(experiment->no, kind);
        if (!members) return members.error();
        std::string items;
        for (const Member& member : *members) append_item(items, member_json(member));
        return list_json(items, "");
      },
      answer_study(std::move(call.responder)));
}

/// An experiment whose members may still change.
rt::Result<Experiment> find_open(Studies& studies, const std::string& id) {
  auto experiment = studies.experiments.find(id);
  if (experiment && experiment->state == ExperimentState::kArchived) {
    return rt::Error{rt::Errc::kDenied, "it is archived and stays as it is"};
  }
  return experiment;
}

void add_member(Services& services, MemberKind kind, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  fields.only({"name", "description"});
  Member member;
  member.id = make_uuid(services.random);
  member.kind = kind;
  member.name = name_in(fields);
  member.description = fields.text("description", kDescriptionBytesMax);
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [id = call.path[0], member](Studies& studies) -> rt::Result<std::string> {
        const auto experiment = find_open(studies, id);
        if (!experiment) return experiment.error();
        const auto added = studies.experiments.add_member(experiment->no, member);
        if (!added) return added.error();
        return member_json(*added);
      },
      answer_study(std::move(call.responder), 201));
}

void edit_member(Services& services, MemberKind kind, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  JsonFields fields(call.request.body, kExpected);
  fields.only({"name", "description"});
  const auto name = fields.has("name") ? std::optional(name_in(fields)) : std::nullopt;
  const auto description = fields.has("description")
                               ? std::optional(fields.text("description", kDescriptionBytesMax))
                               : std::nullopt;
  if (refuse_bad(fields, *call.responder)) return;
  services.studies.change<std::string>(
      [path = call.path, kind, name, description](Studies& studies) -> rt::Result<std::string> {
        const auto experiment = find_open(studies, path[0]);
        if (!experiment) return experiment.error();
        auto member = studies.experiments.find_member(experiment->no, kind, path[1]);
        if (!member) return member.error();
        if (name) member->name = *name;
        if (description) member->description = *description;
        auto done = studies.experiments.update_member(experiment->no, *member);
        if (!done) return done.error();
        return member_json(*member);
      },
      answer_study(std::move(call.responder)));
}

void remove_member(Services& services, MemberKind kind, Call call) {
  Parameters parameters(call.request.target);
  if (refuse_bad(parameters, *call.responder)) return;
  services.studies.change<std::string>(
      [path = call.path, kind](Studies& studies) -> rt::Result<std::string> {
        const auto experiment = find_open(studies, path[0]);
        if (!experiment) return experiment.error();
        const auto member = studies.experiments.find_member(experiment->no, kind, path[1]);
        if (!member) return member.error();
        if (auto done = studies.experiments.remove_member(*member); !done) return done.error();
        return member_json(*member);
      },
      answer_study(std::move(call.responder)));
}

}  // namespace

void add_member_routes(Router& router, Services& services) {
  const std::pair<const char*, MemberKind> lists[] = {{"participants", MemberKind::kParticipant},
                                                      {"operators", MemberKind::kOperator},
                                                      {"tasks", MemberKind::kTask}};
  for (const auto& [name, kind] : lists) {
    const std::string list = std::string("/api/v1/experiments/{id}/") + name;
    const auto add = [&](const char* method, const std::string& path,
                         void (*handler)(Services&, MemberKind, Call)) {
      router.add(method, path, [&services, kind = kind, handler](Call call) {
        handler(services, kind, std::move(call));
      });
    };
    add("GET", list, list_members);
    add("POST", list, add_member);
    add("PATCH", list + "/{member}", edit_member);
    add("DELETE", list + "/{member}", remove_member);
  }
}

}  // namespace fieldpost::coordinator
