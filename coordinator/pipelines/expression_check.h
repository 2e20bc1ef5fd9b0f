#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/pipelines/yaml_fields.h"

namespace fieldpost::coordinator {

/// Where an expression stands decides what it may name.
enum class Spot : std::uint8_t {
  kPlanned,       ///< known when a build is planned: concurrency, `with`
  kLeg,           ///< the same for one leg of a matrix: a job's name, its labels
  kJobCondition,  ///< `if` of a job
  kPipelineEnv,
  kJobEnv,
  kStep,           ///< texts of steps, outputs, artifacts, caches
  kStepCondition,  ///< `if` of steps and artifacts
  kCallOutput,     ///< outputs of a pipeline that others use
};

/// Names that are there, by context: "needs" to ids of jobs. A context that is no key has names
/// that nobody knows beforehand.
using KnownNames = std::map<std::string, std::vector<std::string>>;

/// Looks at expressions before anything runs. Keeps which secrets they name.
class ExpressionCheck {
 public:
  ExpressionCheck(const YamlSource& source, KnownNames known)
      : source_(source), known_(std::move(known)) {}

  void set_known(const std::string& context, std::vector<std::string> names) {
    known_[context] = std::move(names);
  }
  void add_known(const std::string& context, const std::string& name) {
    known_[context].push_back(name);
  }
  /// Every `${{ }}` in `node` and what is in it; a nullptr has none.
  void check_texts(const YamlNode* node, const std::string& key, Spot spot);
  void check_condition(const YamlNode* node, const std::string& key, Spot spot);
  [[nodiscard]] const std::set<std::string>& secrets() const { return secrets_; }
  void forget_secrets() { secrets_.clear(); }

 private:
  void check_expression(const YamlNode& node, const std::string& key, const std::string& text,
                        Spot spot);
  const YamlSource& source_;
  KnownNames known_;
  std::set<std::string> secrets_;
};

}  // namespace fieldpost::coordinator
