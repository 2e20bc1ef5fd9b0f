#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/pipelines/readers.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::kNameBytesMax;

/// Lists of paths are texts of several lines as well.
std::vector<std::string> lines_of(const std::vector<std::string>& texts) {
  std::vector<std::string> lines;
  for (const std::string& text : texts) {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      if (end > at) lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
  return lines;
}

/// What leads out of the workspace is refused before anything runs; a cache may lie at home.
bool stays_inside(const std::string& path) {
  return !path.starts_with('/') && path != ".." && !path.starts_with("../") &&
         path.find("/../") == std::string::npos && !path.ends_with("/..");
}

std::vector<std::string> read_paths(YamlFields& fields, ExpressionCheck& check, bool inside_only) {
  auto paths = lines_of(fields.texts("path"));
  check.check_texts(fields.find("path"), fields.path_of("path"), Spot::kStep);
  const bool has_room = !paths.empty() && paths.size() <= pipeline::kEntriesMax;
  if (!has_room) fields.complain("path", fmt::format("1 to {} paths", pipeline::kEntriesMax));
  if (inside_only && !std::ranges::all_of(paths, stays_inside)) {
    fields.complain("path", "paths in the workspace, without .. and a / at the start");
  }
  return paths;
}

pipeline::ArtifactSpec read_artifact(YamlFields& fields, ExpressionCheck& check) {
  fields.only({"name", "path", "if"});
  pipeline::ArtifactSpec artifact;
  artifact.name = fields.text("name", kNameBytesMax);
  const bool is_file_name = !artifact.name.empty() && artifact.name != "." &&
                            artifact.name != ".." &&
                            (artifact.name.find('/') == std::string::npos ||
                             artifact.name.find("${{") != std::string::npos);
  if (!is_file_name) fields.complain("name", "a name without /");
  check.check_texts(fields.find("name"), fields.path_of("name"), Spot::kStep);
  artifact.paths = read_paths(fields, check, true);
  artifact.condition = read_condition(fields, check, Spot::kStepCondition);
  return artifact;
}

pipeline::CacheSpec read_cache(YamlFields& fields, ExpressionCheck& check) {
  fields.only({"key", "path", "restore-keys"});
  pipeline::CacheSpec cache;
  cache.key = fields.text("key", pipeline::kTextBytesMax);
  if (cache.key.empty()) fields.complain("key", "a text that changes when the content does");
  check.check_texts(fields.find("key"), fields.path_of("key"), Spot::kStep);
  cache.paths = read_paths(fields, check, false);
  cache.restore_keys = lines_of(fields.texts("restore-keys"));
  if (cache.restore_keys.size() > pipeline::kEntriesMax) {
    fields.complain("restore-keys", fmt::format("at most {}", pipeline::kEntriesMax));
  }
  check.check_texts(fields.find("restore-keys"), fields.path_of("restore-keys"), Spot::kStep);
  return cache;
}

/// One, or a list of them.
template <typename Read>
void for_each(YamlFields& fields, const char* key, Read read) {
  const YamlNode* node = fields.find(key);
  if (node == nullptr) return;
  if (!node->is_list()) {
    YamlFields single(fields.source(), *node, fields.path_of(key));
    read(single);
    return;
  }
  if (node->items.size() > pipeline::kEntriesMax) {
    fields.complain(key, fmt::format("at most {}", pipeline::kEntriesMax));
    return;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    YamlFields each(fields.source(), node->items[i], fmt::format("{}.{}", fields.path_of(key), i));
    read(each);
  }
}

}  // namespace

void read_kept_files(YamlFields& fields, Job& job, ExpressionCheck& check) {
  for_each(fields, "artifacts", [&](YamlFields& each) {
    auto artifact = read_artifact(each, check);
    const bool is_double = std::ranges::any_of(
        job.artifacts, [&](const auto& other) { return other.name == artifact.name; });
    if (is_double) each.complain("name", "one that no other artifact of the job has");
    job.artifacts.push_back(std::move(artifact));
  });
  for_each(fields, "cache",
           [&](YamlFields& each) { job.cache.push_back(read_cache(each, check)); });
}

}  // namespace fieldpost::coordinator
