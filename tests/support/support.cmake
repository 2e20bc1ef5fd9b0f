# The simulated world: ports without an operating system.
add_library(
  fieldpost_sim STATIC
  support/sim/dice.cpp
  support/sim/sim_broker.cpp
  support/sim/sim_clock.cpp
  support/sim/sim_loop.cpp
  support/sim/sim_mqtt.cpp
  support/sim/sim_pipe.cpp
  support/sim/sim_worker.cpp
  support/sim/sim_world.cpp)
target_link_libraries(fieldpost_sim PUBLIC fieldpost_flags fieldpost_rt)
