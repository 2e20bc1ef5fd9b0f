# fieldpost_fuzz_target(NAME fuzz_x.cpp CORPUS DIRECTORY... LIBRARIES LIBRARY...)
#
# NAME runs every file of the corpus once as a test, with any compiler (label fuzz-regress). With
# FIELDPOST_FUZZERS, NAME is a libFuzzer program as well: build/fuzz/bin/NAME [SCRATCH] CORPUS...
# What it finds goes into tests/fuzz/corpus/NAME with the fix.
function(fieldpost_fuzz_target name source)
  cmake_parse_arguments(PARSE_ARGV 2 FUZZ "" "" "CORPUS;LIBRARIES")
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${FUZZ_LIBRARIES} fieldpost_flags)
  if(FIELDPOST_FUZZERS)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set(options -runs=0)
  else()
    target_sources(${name} PRIVATE support/fuzz_replay.cpp)
    set(options)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${options} ${FUZZ_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz-regress)
endfunction()

fieldpost_fuzz_target(
  fuzz_messages fuzz/fuzz_messages.cpp
  CORPUS ${PROJECT_SOURCE_DIR}/proto/golden/v1 ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_messages
  LIBRARIES fieldpost_wire)

fieldpost_fuzz_target(
  fuzz_line_protocol fuzz/fuzz_line_protocol.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_line_protocol
  LIBRARIES fieldpost_wire)

fieldpost_fuzz_target(
  fuzz_readings_codec fuzz/fuzz_readings_codec.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_readings_codec
  LIBRARIES fieldpost_wire)

fieldpost_fuzz_target(
  fuzz_config fuzz/fuzz_config.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_config
  LIBRARIES fieldpost_agent_config fieldpost_coordinator_config)

fieldpost_fuzz_target(
  fuzz_sparkplug fuzz/fuzz_sparkplug.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/data/sparkplug
  LIBRARIES fieldpost_mapping)

fieldpost_fuzz_target(
  fuzz_mapping fuzz/fuzz_mapping.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_mapping
  LIBRARIES fieldpost_mapping)

fieldpost_fuzz_target(
  fuzz_parquet fuzz/fuzz_parquet.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/data/parquet
         ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_parquet
  LIBRARIES fieldpost_parquet_table)

fieldpost_fuzz_target(
  fuzz_imports fuzz/fuzz_imports.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_imports
  LIBRARIES fieldpost_coordinator fieldpost_sim)

fieldpost_fuzz_target(
  fuzz_build_facts fuzz/fuzz_build_facts.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_build_facts
  LIBRARIES fieldpost_coordinator)

foreach(name fuzz_expression fuzz_job_spec)
  fieldpost_fuzz_target(
    ${name} fuzz/${name}.cpp
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}
    LIBRARIES fieldpost_pipeline)
endforeach()

fieldpost_fuzz_target(
  fuzz_pipelines fuzz/fuzz_pipelines.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_pipelines
  LIBRARIES fieldpost_pipelines)

fieldpost_fuzz_target(
  fuzz_runner_replies fuzz/fuzz_runner_replies.cpp
  CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/fuzz_runner_replies
  LIBRARIES fieldpost_agent_builds)

foreach(name fuzz_bridge_frames fuzz_bridge_hex fuzz_bridge_lines fuzz_bridge_modbus)
  fieldpost_fuzz_target(
    ${name} fuzz/${name}.cpp
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}
    LIBRARIES fieldpost_bridge)
endforeach()

foreach(name fuzz_delta_patch fuzz_delta_signature)
  fieldpost_fuzz_target(
    ${name} fuzz/${name}.cpp
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}
    LIBRARIES fieldpost_delta fieldpost_fakes)
endforeach()

foreach(name fuzz_cron fuzz_filter_patterns fuzz_hooks)
  fieldpost_fuzz_target(
    ${name} fuzz/${name}.cpp
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}
    LIBRARIES fieldpost_triggers)
endforeach()

foreach(name fuzz_runner_spec fuzz_runner_words)
  fieldpost_fuzz_target(
    ${name} fuzz/${name}.cpp
    CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}
    LIBRARIES fieldpost_runner)
endforeach()
