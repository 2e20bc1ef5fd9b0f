#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/pipelines/problems.h"
#include "coordinator/pipelines/yaml_node.h"
#include "proto/pipeline/json.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// Where problems of one file go.
struct YamlSource {
  const std::string& file;
  Problems& problems;

  [[nodiscard]] Place place(const YamlNode& node) const { return {file, node.line, node.column}; }
  void complain(const YamlNode& node, const std::string& key, std::string what,
                std::string expected) const {
    problems.add(place(node), key, std::move(what), std::move(expected));
  }
};

/// "a list", "nothing", "`text`": what a problem says was there.
[[nodiscard]] std::string words_of(const YamlNode& node);
/// Plain null, true, false and numbers by YAML 1.2; everything else is text.
[[nodiscard]] pipeline::Json json_of(const YamlNode& node);

/// Reads the keys of a mapping; each getter says what is wrong with its key, and then answers as
/// when it is absent. The node, and what is in it, outlives this.
class YamlFields {
 public:
  /// What is no mapping is a problem, and has no keys; null has none either. `path` is the
  /// mapping's own key: "jobs.test".
  YamlFields(const YamlSource& source, const YamlNode& node, std::string path);

  [[nodiscard]] const YamlSource& source() const { return source_; }
  [[nodiscard]] const YamlNode& node() const { return *node_; }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  /// nullptr: it is absent; a key without a value is there.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  [[nodiscard]] std::string path_of(std::string_view key) const;

  /// Scalars of any type, as they are written.
  std::string text(std::string_view key, std::size_t bytes_max);
  std::optional<bool> flag(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  /// As in configurations: "90s", "512MiB".
  std::optional<rt::Nanos> duration(std::string_view key, rt::Nanos least, rt::Nanos most);
  std::uint64_t size(std::string_view key);  ///< 0: absent
  /// Minutes, in seconds.
  std::uint32_t minutes(std::string_view key);  ///< 0: absent
  /// A scalar, or a list of scalars.
  std::vector<std::string> texts(std::string_view key);
  /// A mapping of scalars.
  std::map<std::string, std::string> text_map(std::string_view key);
  YamlFields fields(std::string_view key);  ///< without keys when it is absent

  /// Nothing but these: a misspelt key must not silently change what is done.
  void only(const std::vector<std::string>& known);
  void complain(std::string_view key, std::string expected);

 private:
  const YamlNode* find_scalar(std::string_view key, const char* expected);
  const YamlSource& source_;
  const YamlNode* node_;
  std::string path_;
};

}  // namespace fieldpost::coordinator
