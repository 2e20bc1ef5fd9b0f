# Pipelines: files read, checked and made into jobs. It stands on nothing else of the coordinator,
# for the tool checks files by it too.
add_library(
  fieldpost_pipelines STATIC
  pipelines/call_check.cpp
  pipelines/cron_text.cpp
  pipelines/expression_check.cpp
  pipelines/flat_pipeline.cpp
  pipelines/inputs.cpp
  pipelines/job_order.cpp
  pipelines/job_reader.cpp
  pipelines/kept_files_reader.cpp
  pipelines/matrix_legs.cpp
  pipelines/matrix_reader.cpp
  pipelines/pipeline_reader.cpp
  pipelines/plan.cpp
  pipelines/plan_values.cpp
  pipelines/problems.cpp
  pipelines/renames.cpp
  pipelines/step_reader.cpp
  pipelines/trigger_reader.cpp
  pipelines/yaml_document.cpp
  pipelines/yaml_fields.cpp)
target_link_libraries(
  fieldpost_pipelines
  PUBLIC fieldpost_flags fieldpost_pipeline
  PRIVATE fieldpost_config yaml-cpp)
