# Real sockets and processes, on loopback and in directories of their own.
add_executable(integration_tests support/doctest_main.cpp integration/cli_test.cpp
                                 integration/daemon_cli_test.cpp integration/http_server_test.cpp)
target_compile_definitions(
  integration_tests PRIVATE FIELDPOST_TOOL="$<TARGET_FILE:fieldpost>"
                            FIELDPOST_AGENT="$<TARGET_FILE:fieldpost-agent>"
                            FIELDPOST_COORDINATOR="$<TARGET_FILE:fieldpost-coordinator>")
target_link_libraries(
  integration_tests PRIVATE fieldpost_adapters fieldpost_api_server fieldpost_test_support
                            nlohmann_json::nlohmann_json doctest::doctest)
add_dependencies(integration_tests fieldpost fieldpost-agent fieldpost-bench
                                   fieldpost-coordinator)
doctest_discover_tests(integration_tests PROPERTIES LABELS integration TIMEOUT 120)

# The promise under SIGKILL at random instants. By hand: kill_rounds --rounds N --seed N.
add_executable(kill_rounds integration/kill_rounds.cpp)
target_link_libraries(kill_rounds PRIVATE fieldpost_lossy_mount)
add_test(NAME kill_rounds COMMAND kill_rounds --rounds 100)
set_tests_properties(kill_rounds PROPERTIES LABELS integration TIMEOUT 400)
# SIGKILL keeps the page cache: the same on disks that forget what was not synced.
add_test(NAME power_cut COMMAND kill_rounds --power-cut --rounds 100)
# And on disks that sync nothing, where the same comparison must find a loss.
add_test(NAME power_cut_finds_agent COMMAND kill_rounds --ignore-sync agent --rounds 10)
add_test(NAME power_cut_finds_coordinator COMMAND kill_rounds --ignore-sync coordinator --rounds 10)
set_tests_properties(power_cut power_cut_finds_agent power_cut_finds_coordinator
                     PROPERTIES LABELS integration TIMEOUT 400 SKIP_RETURN_CODE 77)

# What the processes do while they run: in which order they sync, what noise and wrong requests
# do to them; and that the disks and checks of the kill rounds find what they are for.
add_executable(
  site_tests
  support/doctest_main.cpp support/site_picture.cpp support/topic_client.cpp
  support/trace_order.cpp
  integration/bad_requests_test.cpp integration/blobs_test.cpp
  integration/device_noise_test.cpp
  integration/doctor_test.cpp
  integration/http_route_test.cpp
  integration/lossy_mount_test.cpp
  integration/notify_test.cpp integration/numbered_check_test.cpp integration/reload_test.cpp
  integration/reprocess_test.cpp
  integration/store_lock_test.cpp
  integration/sync_order_test.cpp integration/topic_noise_test.cpp)
target_compile_definitions(
  site_tests PRIVATE FIELDPOST_SPARKPLUG_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data/sparkplug"
                     FIELDPOST_TOOL="$<TARGET_FILE:fieldpost>"
                     FIELDPOST_AGENT="$<TARGET_FILE:fieldpost-agent>"
                     FIELDPOST_COORDINATOR="$<TARGET_FILE:fieldpost-coordinator>")
target_link_libraries(site_tests PRIVATE fieldpost_wire fieldpost_lossy_mount doctest::doctest)
doctest_discover_tests(site_tests PROPERTIES LABELS integration TIMEOUT 120
                                  SKIP_REGULAR_EXPRESSION "SKIPPED:")

add_test(NAME tools_up COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/integration/check_up.sh
                               ${PROJECT_SOURCE_DIR} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
set_tests_properties(tools_up PROPERTIES LABELS integration TIMEOUT 240)

find_package(Python3 REQUIRED COMPONENTS Interpreter)
# That the benchmark runs and reports what docs/performance.md quotes.
add_test(NAME bench COMMAND Python3::Interpreter
                            ${CMAKE_CURRENT_SOURCE_DIR}/integration/check_bench.py
                            $<TARGET_FILE:fieldpost>)
set_tests_properties(bench PROPERTIES LABELS integration TIMEOUT 120)

# The comparison with other databases, of fieldpost alone and small: the peers are not installed.
add_test(NAME bench_peers
         COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/bench_peers --quick --readings
                 60000 --only fieldpost --binaries ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
set_tests_properties(bench_peers PROPERTIES LABELS integration TIMEOUT 120)

# The load test, small, and that it tells what goes wrong.
add_test(NAME load_srs COMMAND Python3::Interpreter
                               ${CMAKE_CURRENT_SOURCE_DIR}/integration/check_load_srs.py
                               ${PROJECT_SOURCE_DIR} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
set_tests_properties(load_srs PROPERTIES LABELS integration TIMEOUT 240)

find_program(NODE_PROGRAM node REQUIRED)
# What the page's script makes of readings.
add_test(NAME page COMMAND ${NODE_PROGRAM} --test
                           ${CMAKE_CURRENT_SOURCE_DIR}/integration/page_test.mjs)
set_tests_properties(page PROPERTIES LABELS integration TIMEOUT 60)

# Clients that nobody here wrote; tools/install_deps installs them.
add_test(NAME foreign_clients
         COMMAND ${NODE_PROGRAM} --test
                 ${CMAKE_CURRENT_SOURCE_DIR}/integration/npm/clients_test.mjs)
set_tests_properties(
  foreign_clients PROPERTIES LABELS integration TIMEOUT 240 ENVIRONMENT
                             "FIELDPOST_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")

# Parquet files of ours to readers that nobody here wrote, and theirs to ours.
add_executable(parquet_files integration/parquet_files.cpp)
target_link_libraries(parquet_files PRIVATE fieldpost_parquet_table nlohmann_json::nlohmann_json)
add_test(NAME foreign_parquet
         COMMAND ${NODE_PROGRAM} --test
                 ${CMAKE_CURRENT_SOURCE_DIR}/integration/npm/parquet_test.mjs)
set_tests_properties(
  foreign_parquet PROPERTIES LABELS integration TIMEOUT 240 ENVIRONMENT
                             "FIELDPOST_PARQUET_FILES=$<TARGET_FILE:parquet_files>")

# A whole study with two nodes, and its export.
add_test(NAME study COMMAND ${NODE_PROGRAM} --test
                            ${CMAKE_CURRENT_SOURCE_DIR}/integration/npm/study_test.mjs)
set_tests_properties(
  study PROPERTIES LABELS integration TIMEOUT 300 ENVIRONMENT
                   "FIELDPOST_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")

# Microcontrollers: Modbus devices, and an AVR that is simulated.
add_executable(modbus_tests support/doctest_main.cpp integration/modbus_test.cpp)
target_link_libraries(modbus_tests PRIVATE fieldpost_bridge_adapters PkgConfig::MODBUS
                                           doctest::doctest)
doctest_discover_tests(modbus_tests PROPERTIES LABELS integration TIMEOUT 120)
add_executable(
  bridge_tests
  support/doctest_main.cpp support/bridge_process.cpp support/line_agent.cpp support/pty_board.cpp
  support/site_picture.cpp integration/bridge_noise_test.cpp integration/bridge_test.cpp
  integration/bridge_verbs_test.cpp)
target_compile_definitions(
  bridge_tests PRIVATE FIELDPOST_BRIDGE="$<TARGET_FILE:fieldpost-bridge>"
                       FIELDPOST_NMEA_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data/nmea")
target_link_libraries(bridge_tests PRIVATE fieldpost_bridge fieldpost_real_site doctest::doctest)
add_dependencies(bridge_tests fieldpost-bridge)
doctest_discover_tests(bridge_tests PROPERTIES LABELS integration TIMEOUT 240)
add_executable(avr_tests support/doctest_main.cpp support/site_picture.cpp
                         integration/avr_test.cpp)
target_compile_definitions(
  avr_tests PRIVATE FIELDPOST_BRIDGE="$<TARGET_FILE:fieldpost-bridge>"
                    FIELDPOST_TOOL="$<TARGET_FILE:fieldpost>"
                    FIELDPOST_AVR_IMAGES="${PROJECT_BINARY_DIR}/firmware-bridge/device")
target_link_libraries(avr_tests PRIVATE fieldpost_avr_board fieldpost_real_site doctest::doctest)
add_dependencies(avr_tests fieldpost fieldpost-bridge)
if(TARGET avr_board)
  add_dependencies(avr_tests avr_board avr_bootloader avr_firmware)
endif()
doctest_discover_tests(avr_tests PROPERTIES LABELS integration TIMEOUT 600
                                 SKIP_REGULAR_EXPRESSION "SKIPPED:")

# Jobs of builds. One test at a time: a runner ends what it finds in its cgroups.
add_executable(runner_tests support/doctest_main.cpp integration/runner_test.cpp)
target_compile_definitions(runner_tests PRIVATE FIELDPOST_RUNNER="$<TARGET_FILE:fieldpost-runner>")
target_link_libraries(runner_tests PRIVATE fieldpost_runner_adapters fieldpost_real_site
                                           doctest::doctest)
add_dependencies(runner_tests fieldpost-runner)
doctest_discover_tests(runner_tests PROPERTIES LABELS integration TIMEOUT 240 RESOURCE_LOCK runner
                                    SKIP_REGULAR_EXPRESSION "SKIPPED:")
