# The delivery of readings under all weathers, over the code that ships.
add_library(fieldpost_delivery_sim STATIC sim/body_audit.cpp sim/delivery_sim.cpp
                                          sim/ledger_audit.cpp
                                          sim/sim_field.cpp sim/sim_node.cpp sim/sim_site.cpp
                                          sim/storms.cpp sim/store_audit.cpp sim/store_rows.cpp
                                          sim/wire_watch.cpp)
target_link_libraries(fieldpost_delivery_sim PUBLIC fieldpost_agent fieldpost_agent_sources
                                                    fieldpost_coordinator
                                                    fieldpost_sim)
add_executable(sim_run sim/sim_run.cpp)
target_link_libraries(sim_run PRIVATE fieldpost_delivery_sim)
# Stories that are told, not diced.
add_executable(sim_tests support/doctest_main.cpp sim/bad_messages_test.cpp
                         sim/boot_clock_test.cpp sim/byte_budget_test.cpp
                         sim/commands_test.cpp sim/connection_test.cpp
                         sim/left_behind_test.cpp sim/long_hello_test.cpp
                         sim/missing_test.cpp sim/node_state_test.cpp
                         sim/sampling_test.cpp
                         sim/uplink_test.cpp)
target_link_libraries(sim_tests PRIVATE fieldpost_delivery_sim doctest::doctest)
doctest_discover_tests(sim_tests PROPERTIES LABELS sim)
# 20 seeds under the sanitizers, 200 in the tree that is built for speed (CMakePresets.json).
add_test(NAME sim_delivery COMMAND sim_run --seeds ${FIELDPOST_SIM_SEEDS})
add_test(NAME sim_delivery_regress
         COMMAND sim_run --listed ${CMAKE_CURRENT_SOURCE_DIR}/sim/regress_seeds.txt)
add_test(NAME sim_deterministic COMMAND sim_run --seeds 10 --twice)
set_tests_properties(sim_delivery sim_delivery_regress sim_deterministic
                     PROPERTIES LABELS sim TIMEOUT 1200)

# The checkers are themselves proven: README.md says how to run all of it.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME planted_apply
         COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/sim/planted.py --check)
set_tests_properties(planted_apply PROPERTIES LABELS sim)

# Stories that need no seeds: many nodes, slow links.
add_executable(sim_stories support/doctest_main.cpp sim/many_nodes_test.cpp
                           sim/slow_link_test.cpp)
target_link_libraries(sim_stories PRIVATE fieldpost_delivery_sim doctest::doctest)
doctest_discover_tests(sim_stories PROPERTIES LABELS sim TIMEOUT 600)
