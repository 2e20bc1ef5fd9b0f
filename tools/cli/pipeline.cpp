#include "tools/cli/pipeline.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "coordinator/pipelines/flat_pipeline.h"
#include "coordinator/pipelines/matrix_legs.h"
#include "coordinator/pipelines/yaml_document.h"
#include "tools/cli/text_table.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;
using coordinator::FlatJob;
using coordinator::FlatPipeline;
using coordinator::Problem;
using coordinator::Problems;

std::string dump(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<std::string> triggers_of(const FlatPipeline& pipeline) {
  const coordinator::Triggers& on = pipeline.main.on;
  std::vector<std::string> out;
  if (on.push) out.emplace_back("push");
  if (on.pull_request) out.emplace_back("pull_request");
  for (const auto& each : on.schedules) {
    out.push_back(fmt::format("schedule {} {}", each.cron, each.timezone));
  }
  if (on.by_hand) out.emplace_back("workflow_dispatch");
  if (on.call) out.emplace_back("workflow_call");
  for (const auto& each : on.pipelines) out.push_back("pipeline " + each.name);
  return out;
}

/// Ids of jobs that have to be over before it.
std::vector<std::string> needs_of(const FlatPipeline& pipeline, const FlatJob& job) {
  coordinator::JobSet jobs;
  for (const auto& gate : job.gates) {
    for (const auto& need : gate->needs) jobs |= need->jobs;
  }
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < pipeline.jobs.size(); ++i) {
    if (jobs.test(i)) ids.push_back(pipeline.jobs[i].id);
  }
  return ids;
}

Json json_of(const FlatPipeline& pipeline) {
  Json jobs = Json::array();
  for (const FlatJob& each : pipeline.jobs) {
    jobs.push_back({{"id", each.id},
                    {"needs", needs_of(pipeline, each)},
                    {"runs_on", each.job.labels},
                    {"legs", coordinator::legs_of(each.job.matrix).size()},
                    {"steps", each.job.steps.size()}});
  }
  return {{"file", pipeline.main.file},
          {"name", pipeline.main.name},
          {"on", triggers_of(pipeline)},
          {"jobs", jobs},
          {"problems", Json::array()}};
}

std::string text_of(const FlatPipeline& pipeline) {
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table({{"job"}, {"legs", kRight}, {"steps", kRight}, {"runs on"}, {"needs"}});
  for (const FlatJob& each : pipeline.jobs) {
    const auto needs = needs_of(pipeline, each);
    table.add({each.id, std::to_string(coordinator::legs_of(each.job.matrix).size()),
               std::to_string(each.job.steps.size()),
               each.job.labels.empty() ? "-" : fmt::format("{}", fmt::join(each.job.labels, ", ")),
               needs.empty() ? "-" : fmt::format("{}", fmt::join(needs, ", "))});
  }
  return fmt::format("{}: pipeline {}, begun by {}\n{}", pipeline.main.file, pipeline.main.name,
                     fmt::join(triggers_of(pipeline), "; "), table.text());
}

void tell(Context& context, const std::string& file, const Problems& problems) {
  if (!context.json) {
    for (const Problem& each : problems.all()) {
      fmt::print(context.err, "{}\n", to_string(each));
    }
    if (problems.left_out() > 0) {
      fmt::print(context.err, "fieldpost: and {} more\n", problems.left_out());
    }
    return;
  }
  Json all = Json::array();
  for (const Problem& each : problems.all()) {
    all.push_back({{"file", each.place.file},
                   {"line", each.place.line},
                   {"column", each.place.column},
                   {"key", each.key},
                   {"what", each.what},
                   {"expected", each.expected}});
  }
  context.print(dump({{"file", file}, {"problems", all}, {"left_out", problems.left_out()}}));
}

}  // namespace

int run_pipeline_check(Context& context, rt::Files& files, const PipelineCheck& options) {
  // One byte more than there may be: what is longer is refused as such.
  const auto load = [&](const std::string& file) {
    return files.read(file, 0, coordinator::kPipelineBytesMax + 1);
  };
  if (const auto text = load(options.file); !text) return context.fail(text.error());
  Problems problems;
  const auto pipeline = coordinator::load_pipeline(options.file, load, problems);
  if (!pipeline) {
    tell(context, options.file, problems);
    return kExitConfig;
  }
  context.print(context.json ? dump(json_of(*pipeline)) : text_of(*pipeline));
  return kExitDone;
}

}  // namespace fieldpost::cli
