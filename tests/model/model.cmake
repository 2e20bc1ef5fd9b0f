# Exhaustive searches of the protocol, free of product code. Optimised in every preset: a search is
# only worth what it covers.
add_executable(
  model_tests
  support/doctest_main.cpp
  model/commands/command_steps.cpp
  model/commands/command_test.cpp
  model/commands/command_world.cpp
  model/credit/bodies_world.cpp
  model/credit/credit_test.cpp
  model/credit/credit_world.cpp
  model/rank/rank_steps.cpp
  model/rank/rank_test.cpp
  model/rank/rank_world.cpp
  model/session/calm.cpp
  model/session/describe.cpp
  model/session/ingest.cpp
  model/session/needs.cpp
  model/session/net.cpp
  model/session/node.cpp
  model/session/node_losses.cpp
  model/session/node_records.cpp
  model/session/node_session.cpp
  model/session/properties.cpp
  model/session/scenarios.cpp
  model/session/session_test.cpp
  model/session/sessions.cpp
  model/session/steps.cpp
  model/session/take_step.cpp
  model/session/world.cpp)
target_compile_options(model_tests PRIVATE -O2 -g0)
target_link_libraries(model_tests PRIVATE fieldpost_flags doctest::doctest)
doctest_discover_tests(model_tests PROPERTIES LABELS model TIMEOUT 600)
