#include "agent/runner/run/workplace.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/runner/job/step_words.h"

namespace fieldpost::agent::runner {
namespace {

constexpr unsigned kMode = 0600;
constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
/// The environment is set in there: what a job puts into it touches no program outside.
constexpr const char* kRun = R"(. "$1" && exec /bin/bash --noprofile --norc -euo pipefail "$2")";

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

Workplace::Workplace(rt::Files& files, const SandboxSettings& sandbox, std::string directory)
    : files_(files),
      sandbox_(sandbox),
      directory_(std::move(directory)),
      build_{directory_ + "/build", "/build", true},
      tmp_{directory_ + "/tmp", "/tmp", true} {}

rt::Status Workplace::make() {
  for (const char* each : {"/build/workspace", "/build/home", "/tmp", "/steps"}) {
    if (auto done = files_.make_directories(directory_ + each); !done) return done;
  }
  return rt::ok();
}

SandboxBind Workplace::step_bind(std::size_t n) const {
  return {fmt::format("{}/steps/{}", directory_, n), "/step", true};
}

SandboxedCommand Workplace::command(std::vector<std::string> argv) const {
  SandboxedCommand command;
  command.argv = std::move(argv);
  command.binds = {build_, tmp_};
  command.directory = workspace();
  return command;
}

rt::Result<SandboxedCommand> Workplace::make_step(std::size_t n, const Job& job,
                                                  const StepScript& script) {
  const SandboxBind bind = step_bind(n);
  const std::string& step = place_of(sandbox_, bind);
  std::string begin;
  for (const auto& [name, value] : variables(job, script, step)) {
    begin += fmt::format("export {}={}\n", name, quoted(value));
  }
  begin += fmt::format("cd -- {}\n", quoted(workspace()));
  if (!script.working_directory.empty()) {
    begin += fmt::format("cd -- {}\n", quoted(script.working_directory));
  }
  if (auto done = files_.make_directories(bind.from); !done) return done.error();
  const std::pair<const char*, const std::string&> contents[] = {{"/begin.sh", begin},
                                                                 {"/script.sh", script.run}};
  for (const auto& [name, bytes] : contents) {
    if (auto done = files_.write_at(bind.from + name, 0, bytes, kMode); !done) return done.error();
  }
  for (const char* name : {"/output", "/env", "/path"}) {
    if (auto done = files_.write_at(bind.from + name, 0, "", kMode); !done) return done.error();
  }
  SandboxedCommand made = command({"/bin/bash", "--noprofile", "--norc", "-c", kRun, "step",
                                   step + "/begin.sh", step + "/script.sh"});
  made.binds.push_back(bind);
  return made;
}

Pairs Workplace::variables(const Job& job, const StepScript& script,
                           const std::string& step) const {
  Pairs all = {{"PATH", kPath}, {"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : script.env) set_pair(all, name, value);
  std::string path = std::ranges::find(all, "PATH", &Pairs::value_type::first)->second;
  for (const std::string& each : script.paths) path.insert(0, each + ":");
  const Pairs ours = {{"PATH", path},
                      {"HOME", home()},
                      {"TMPDIR", place_of(sandbox_, tmp_)},
                      {"CI", "true"},
                      {"FIELDPOST_JOB", job.id},
                      {"FIELDPOST_BUILD", job.build},
                      {"FIELDPOST_PIPELINE", job.pipeline},
                      {"FIELDPOST_WORKSPACE", workspace()},
                      {"FIELDPOST_OUTPUT", step + "/output"},
                      {"GITHUB_WORKSPACE", workspace()},
                      {"GITHUB_OUTPUT", step + "/output"},
                      {"GITHUB_ENV", step + "/env"},
                      {"GITHUB_PATH", step + "/path"},
                      {"GITHUB_SHA", job.source.commit},
                      {"GITHUB_REF", job.source.ref}};
  for (const auto& [name, value] : ours) set_pair(all, name, value);
  return all;
}

rt::Result<std::string> Workplace::read_words(const std::string& path) {
  auto text = files_.read_no_follow(path, 0, kStepWordsBytesMax + 1);
  if (!text && text.error().code == rt::Errc::kNotFound) return std::string();
  if (!text) return rt::Error{rt::Errc::kInvalid, text.error().message};
  if (text->size() > kStepWordsBytesMax) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("it has more than {} bytes", kStepWordsBytesMax)};
  }
  return text;
}

rt::Result<StepWords> Workplace::read_step(std::size_t n) {
  const std::string step = step_bind(n).from;
  StepWords words;
  const std::pair<const char*, Pairs*> files[] = {{"output", &words.outputs}, {"env", &words.env}};
  for (const auto& [name, values] : files) {
    const auto text = read_words(step + "/" + name);
    auto parsed = text ? parse_step_values(*text) : text.error();
    if (!parsed) {
      return rt::Error{rt::Errc::kInvalid,
                       fmt::format("its file of {}: {}", name, parsed.error().message)};
    }
    *values = *std::move(parsed);
  }
  const auto text = read_words(step + "/path");
  auto paths = text ? parse_step_paths(*text) : text.error();
  if (!paths) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("its file of path: {}", paths.error().message)};
  }
  words.paths = *std::move(paths);
  for (const auto& [name, value] : words.env) {
    if (is_variable_name(name) && !is_reserved_variable(name)) continue;
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("its file of env: \"{}\" is no variable to set", name)};
  }
  return words;
}

}  // namespace fieldpost::agent::runner
