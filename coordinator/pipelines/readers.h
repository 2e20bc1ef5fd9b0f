#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipelines/expression_check.h"
#include "coordinator/pipelines/pipeline.h"
#include "coordinator/pipelines/yaml_fields.h"

/// Readers of the parts of a pipeline's file. Each says what is wrong, and answers with what it
/// understood.
namespace fieldpost::coordinator {

/// Of `on`; expressions in its call's outputs are over the jobs that `check` knows.
Triggers read_triggers(YamlFields& top, ExpressionCheck& check);
/// Of `strategy.matrix`.
Matrix read_matrix(YamlFields& strategy);
/// Names that expressions may have behind `matrix.`.
[[nodiscard]] std::vector<std::string> matrix_names(const Matrix& matrix);
/// Of a job or a step with `uses`.
PipelineCall read_call(YamlFields& fields, ExpressionCheck& check);
/// Of `steps`; `directory` is for those that name none.
std::vector<Step> read_steps(YamlFields& job, const std::string& directory, ExpressionCheck& check);
/// Of `jobs.<id>`, with what the pipeline says for all of its jobs.
struct JobDefaults {
  TextMap env;
  std::set<std::string> env_secrets;
  std::string directory;
};
Job read_job(YamlFields fields, const std::string& id, const JobDefaults& defaults,
             ExpressionCheck& check);
/// Of `artifacts` and `cache`.
void read_kept_files(YamlFields& fields, Job& job, ExpressionCheck& check);

/// `env`: names of variables to texts.
TextMap read_env(YamlFields& fields, ExpressionCheck& check, Spot spot);
/// `defaults.run.working-directory`, or `otherwise`.
std::string read_directory(YamlFields& fields, const std::string& otherwise,
                           ExpressionCheck& check);
/// "true", "false", one `${{ }}`, or empty when it is absent.
std::string read_flag_text(YamlFields& fields, const char* key, ExpressionCheck& check, Spot spot);
/// The text of an `if`.
std::string read_condition(YamlFields& fields, ExpressionCheck& check, Spot spot);
/// A letter or _, then letters, digits, _ and -.
[[nodiscard]] bool is_id(const std::string& text);
inline constexpr const char* kIdExpected =
    "letters, digits, _ and -, at most 100, beginning with a letter or _";

}  // namespace fieldpost::coordinator
