# One suite a port, run against its real and its simulated implementation.
add_executable(
  contract_tests
  support/doctest_main.cpp
  contract/files_test.cpp
  contract/git_poll_test.cpp
  contract/line_socket_test.cpp
  contract/loop_test.cpp
  contract/mqtt_test.cpp
  contract/ports_test.cpp
  contract/real_ports_test.cpp
  contract/sim_broker_test.cpp
  contract/sim_disk_test.cpp
  contract/spawner_test.cpp
  contract/sqlite_test.cpp
  contract/streams_test.cpp
  contract/system_test.cpp
  contract/worker_test.cpp)
target_link_libraries(
  contract_tests PRIVATE Boost::headers fieldpost_adapters fieldpost_agent_sources
                         fieldpost_bridge_adapters fieldpost_fakes fieldpost_sim
                         fieldpost_sim_ports fieldpost_test_support fieldpost_triggers
                         doctest::doctest)
doctest_discover_tests(
  contract_tests
  PROPERTIES LABELS contract TIMEOUT 120 ENVIRONMENT
             "TSAN_OPTIONS=suppressions=${CMAKE_CURRENT_SOURCE_DIR}/support/tsan.supp")
