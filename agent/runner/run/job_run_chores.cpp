#include <fmt/format.h>

#include <utility>

#include "agent/runner/run/job_run.h"
#include "agent/runner/run/job_scripts.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kAboutBytesMax = 8192;
constexpr std::size_t kSha256Size = 64;

std::vector<std::string> script(const char* text, std::vector<std::string> arguments) {
  std::vector<std::string> argv = {"/bin/bash", "--noprofile", "--norc", "-euo",
                                   "pipefail",  "-c",          text,     "script"};
  for (std::string& each : arguments) argv.push_back(std::move(each));
  return argv;
}

std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

/// Git's last word on why; what follows it is advice.
std::string words_of_git(std::string_view text) {
  const std::size_t begin = text.rfind("fatal: ");
  if (begin == std::string_view::npos) return last_line(text);
  return std::string(text.substr(begin, text.find('\n', begin) - begin));
}

}  // namespace

SandboxedCommand JobRun::script_inside(const char* text, std::vector<std::string> arguments) const {
  return place_.command(script(text, std::move(arguments)));
}

void JobRun::checkout() {
  if (job_.source.repository.empty()) return restore_next();
  begin_step(0, "checkout");
  const std::vector<std::string> superfluous = ports_.mirrors.superfluous();
  mirror_ = ports_.mirrors.use(job_.source.repository);
  std::vector<std::string> arguments = {job_.source.repository, job_.source.commit, mirror_,
                                        place_.outer_workspace(), settings_.git_protocols};
  for (const std::string& each : superfluous) {
    if (each != mirror_) arguments.push_back(each);
  }
  run(script(kCheckoutScript, std::move(arguments)), "", {.timeout = kChoreMost},
      [this](ProcessEnd end) {
        if (end.verdict == Verdict::kFailed) {
          const std::string words = words_of_git(tail_);
          if (!words.empty()) end.why += ": " + words;
          if (is_disk_full()) end.verdict = Verdict::kDiskFull;
        }
        end_step(0, end);
        if (end.verdict != Verdict::kPassed) judge(end.verdict, "checkout: " + end.why);
        restore_next();
      });
}

rt::Result<JobCache> JobRun::interpolated(const JobCache& cache) const {
  JobCache out = cache;
  auto key = ports_.conditions.interpolate(cache.key, expressions());
  if (!key) return key.error();
  out.key = *std::move(key);
  for (std::string& each : out.restore_keys) {
    auto text = ports_.conditions.interpolate(each, expressions());
    if (!text) return text.error();
    each = *std::move(text);
  }
  return out;
}

/// What cannot be restored is a miss: the job then does without.
void JobRun::restore_next() {
  while (caches_done_ < job_.caches.size() && verdict_ == Verdict::kPassed) {
    auto cache = interpolated(job_.caches[caches_done_]);
    caches_done_ += 1;
    if (!cache) {
      judge(cache.error(), "its cache");
      break;
    }
    // What the key says now is what it says at the end, whatever steps set.
    job_.caches[caches_done_ - 1] = *cache;
    const auto found = ports_.caches.find(job_.source.repository, *cache);
    log_.say(found ? fmt::format("cache {}: restoring {}", cache->key, found->key)
                   : fmt::format("cache {}: nothing there", cache->key));
    if (!found) continue;
    const SandboxBind bind{found->directory, "/cache", false};
    SandboxedCommand command =
        script_inside(kRestoreScript, {place_of(settings_.sandbox, bind) + "/data"});
    command.binds.push_back(bind);
    command.directory = place_.build();
    return run_inside(std::move(command), {.timeout = kChoreMost}, [this](const ProcessEnd& end) {
      log_.end_step();
      if (end.verdict == Verdict::kFailed) log_.say("##[warning]cache not restored: " + end.why);
      restore_next();
    });
  }
  caches_done_ = 0;
  next_step();
}

void JobRun::collect_next() {
  while (artifacts_done_ < job_.artifacts.size()) {
    const JobArtifact& artifact = job_.artifacts[artifacts_done_];
    artifacts_done_ += 1;
    const auto wanted = is_wanted(ports_.conditions, artifact.condition, expressions());
    if (!wanted) judge(wanted.error(), fmt::format("artifact {}", artifact.name));
    if (!wanted || !*wanted || gave_up_) continue;
    const std::string out = journal_.directory() + "/artifacts/" + artifact.name;
    if (auto done = ports_.files.make_directories(out); !done) {
      judge(done.error(), fmt::format("artifact {}", artifact.name));
      continue;
    }
    const SandboxBind bind{out, "/out", true};
    std::vector<std::string> arguments = {place_of(settings_.sandbox, bind)};
    arguments.insert(arguments.end(), artifact.paths.begin(), artifact.paths.end());
    SandboxedCommand command = script_inside(kCollectScript, std::move(arguments));
    command.binds.push_back(bind);
    return run_inside(std::move(command), {.timeout = kChoreMost},
                      [this, &artifact, out](const ProcessEnd& end) {
                        take_artifact(artifact, out, end);
                        collect_next();
                      });
  }
  save_next();
}

void JobRun::take_artifact(const JobArtifact& artifact, const std::string& out,
                           const ProcessEnd& end) {
  log_.end_step();
  const std::string doing = fmt::format("artifact {}", artifact.name);
  const auto refuse = [&](rt::Errc code, std::string why) {
    judge(rt::Error{code, std::move(why)}, doing);
  };
  if (end.verdict != Verdict::kPassed) {
    return refuse(is_disk_full() ? rt::Errc::kFull : rt::Errc::kIo, end.why);
  }
  const auto about = ports_.files.read_no_follow(out + "/about", 0, kAboutBytesMax);
  if (!about && about.error().code == rt::Errc::kNotFound) {
    return refuse(rt::Errc::kNotFound,
                  fmt::format("nothing matches {}", fmt::join(artifact.paths, " ")));
  }
  const auto info = ports_.files.info_no_follow(out + "/data");
  if (!about || !info) return judge(about ? info.error() : about.error(), doing);
  if (about->size() <= kSha256Size || !info->is_regular) {
    return refuse(rt::Errc::kIo, "what was collected cannot be read");
  }
  for (const std::string& each : {out, journal_.directory() + "/artifacts", journal_.directory()}) {
    if (auto done = ports_.files.sync(each); !done) return judge(done.error(), doing);
  }
  std::string name = last_line(about->substr(kSha256Size + 1));
  if (name.empty()) name = artifact.name + ".tar";
  tell(ArtifactFact{artifact.name, name, info->size, about->substr(0, kSha256Size)});
  log_.say(fmt::format("artifact {}: {}, {} bytes", artifact.name, name, info->size));
}

void JobRun::save_next() {
  while (caches_done_ < job_.caches.size() && verdict_ == Verdict::kPassed) {
    const JobCache& cache = job_.caches[caches_done_];
    caches_done_ += 1;
    if (ports_.caches.has(job_.source.repository, cache.key)) continue;
    const std::string out = fmt::format("{}/cache/{}", place_.directory(), caches_done_);
    if (auto done = ports_.files.make_directories(out); !done) {
      log_.say("##[warning]cache not kept: " + done.error().message);
      continue;
    }
    const SandboxBind bind{out, "/out", true};
    std::vector<std::string> arguments = {place_of(settings_.sandbox, bind)};
    for (const std::string& path : cache.paths) {
      arguments.push_back(path.starts_with("~/") ? "home" + path.substr(1) : "workspace/" + path);
    }
    SandboxedCommand command = script_inside(kSaveScript, std::move(arguments));
    command.binds.push_back(bind);
    command.directory = place_.build();
    return run_inside(std::move(command), {.timeout = kChoreMost},
                      [this, key = cache.key, tar = out + "/data"](const ProcessEnd& end) {
                        take_cache(key, tar, end);
                        save_next();
                      });
  }
  finish();
}

/// A cache that is not kept is no fault of the job.
void JobRun::take_cache(const std::string& key, const std::string& tar, const ProcessEnd& end) {
  log_.end_step();
  std::string why = end.why;
  if (end.verdict == Verdict::kPassed) {
    const auto kept = ports_.caches.keep(job_.source.repository, key, tar);
    if (kept) return log_.say(fmt::format("cache {}: kept", key));
    const bool is_nothing = kept.error().code == rt::Errc::kNotFound;
    why = is_nothing ? "none of its paths is there" : kept.error().message;
  }
  log_.say(fmt::format("##[warning]cache {}: not kept: {}", key, why));
}

}  // namespace fieldpost::agent::runner
