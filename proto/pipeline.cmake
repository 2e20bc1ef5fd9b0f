# What coordinator, runner and tool agree on about builds: expressions, a job's spec, verdicts.
add_library(
  fieldpost_pipeline STATIC
  pipeline/expression_evaluator.cpp
  pipeline/expression_functions.cpp
  pipeline/expression_lexer.cpp
  pipeline/expression_parser.cpp
  pipeline/expression_text.cpp
  pipeline/expression_value.cpp
  pipeline/job_spec.cpp
  pipeline/strict_object.cpp
  pipeline/verdict.cpp)
target_link_libraries(fieldpost_pipeline PUBLIC fieldpost_flags fieldpost_rt
                                                nlohmann_json::nlohmann_json)
