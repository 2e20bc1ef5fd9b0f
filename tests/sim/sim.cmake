# The delivery of readings under all weathers, over the code that ships.
add_library(fieldpost_delivery_sim STATIC sim/delivery_sim.cpp sim/sim_node.cpp sim/sim_site.cpp
                                          sim/store_audit.cpp)
target_link_libraries(fieldpost_delivery_sim PUBLIC fieldpost_agent fieldpost_coordinator
                                                    fieldpost_sim)
add_executable(sim_run sim/sim_run.cpp)
target_link_libraries(sim_run PRIVATE fieldpost_delivery_sim)
add_test(NAME sim_delivery COMMAND sim_run --seeds 20)
set_tests_properties(sim_delivery PROPERTIES LABELS sim)
