# The simulated world: ports without an operating system.
add_library(
  fieldpost_sim STATIC
  support/sim/dice.cpp
  support/sim/sim_broker.cpp
  support/sim/sim_clock.cpp
  support/sim/sim_disk.cpp
  support/sim/sim_disk_death.cpp
  support/sim/sim_files.cpp
  support/sim/sim_locks.cpp
  support/sim/sim_loop.cpp
  support/sim/sim_mqtt.cpp
  support/sim/sim_pipe.cpp
  support/sim/sim_spawner.cpp
  support/sim/sim_streams.cpp
  support/sim/sim_vfs.cpp
  support/sim/sim_worker.cpp
  support/sim/sim_world.cpp)
target_link_libraries(fieldpost_sim PUBLIC fieldpost_flags fieldpost_rt)

# Sample messages; make_golden writes golden files that are not there yet, by hand.
add_library(fieldpost_samples STATIC support/sample_messages.cpp support/sample_readings.cpp)
target_link_libraries(fieldpost_samples PUBLIC fieldpost_wire)
add_executable(make_golden support/make_golden.cpp)
target_link_libraries(make_golden PRIVATE fieldpost_samples)
# The real world, for tests: a broker, directories.
add_library(
  fieldpost_test_support STATIC support/may_skip.cpp support/mosquitto_process.cpp
                                support/raw_client.cpp support/run_command.cpp
                                support/temp_directory.cpp)
target_compile_definitions(
  fieldpost_test_support
  PRIVATE FIELDPOST_BROKER_CONFIG="${PROJECT_SOURCE_DIR}/systemd/mosquitto.conf")
target_link_libraries(fieldpost_test_support PUBLIC fieldpost_flags fieldpost_rt)

# Ports that tests steer by hand.
add_library(fieldpost_fakes STATIC support/fakes/fake_files.cpp support/fakes/fake_intake.cpp
                                   support/fakes/fake_runner.cpp)
target_link_libraries(fieldpost_fakes PUBLIC fieldpost_wire fieldpost_sim
                                             nlohmann_json::nlohmann_json)

# A runner, and an agent that asks it, as far as builds concern it.
add_library(fieldpost_builds_node STATIC support/builds_node.cpp)
target_link_libraries(fieldpost_builds_node PUBLIC fieldpost_agent_builds fieldpost_fakes
                                                   doctest::doctest)

# A store with readings in it, and queries beside it.
add_library(fieldpost_reading_world STATIC support/reading_world.cpp support/sample_builds.cpp
                                            support/store_records.cpp support/store_world.cpp)
target_link_libraries(fieldpost_reading_world PUBLIC fieldpost_coordinator fieldpost_sim)

# Parquet files in memory, and what is in them as words.
add_library(fieldpost_parquet_table STATIC support/parquet_table.cpp)
target_link_libraries(fieldpost_parquet_table PUBLIC fieldpost_parquet fmt::fmt)

# The coordinator's API without a server: a fake coordinator, answers kept for tests.
add_library(fieldpost_api_world STATIC support/api_world.cpp support/fakes/fake_http.cpp
                                       support/fakes/fake_view.cpp)
target_link_libraries(fieldpost_api_world PUBLIC fieldpost_coordinator_http
                                                 fieldpost_reading_world
                                                 nlohmann_json::nlohmann_json doctest::doctest)

# Ports of boards, by script.
add_library(fieldpost_sim_ports STATIC support/sim/sim_ports.cpp)
target_link_libraries(fieldpost_sim_ports PUBLIC fieldpost_sim fieldpost_bridge)

# A whole site of real processes, and producers that number what they write.
add_library(fieldpost_real_site STATIC support/daemon_process.cpp support/numbered_check.cpp
                                       support/numbered_producer.cpp support/plain_socket.cpp
                                       support/real_site.cpp support/sqlite_copy.cpp)
target_compile_definitions(
  fieldpost_real_site PRIVATE FIELDPOST_AGENT="$<TARGET_FILE:fieldpost-agent>"
                              FIELDPOST_COORDINATOR="$<TARGET_FILE:fieldpost-coordinator>")
target_link_libraries(fieldpost_real_site PUBLIC fieldpost_test_support nlohmann_json::nlohmann_json
                                                 fmt::fmt)
add_dependencies(fieldpost_real_site fieldpost-agent fieldpost-coordinator)

# A disk that forgets what was not synced, for the power cuts of the same sites.
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3)
add_executable(fuse_lossy support/fuse_lossy.cpp)
target_link_libraries(fuse_lossy PRIVATE fieldpost_flags PkgConfig::FUSE3)
add_library(fieldpost_lossy_mount STATIC support/lossy_mount.cpp)
target_compile_definitions(fieldpost_lossy_mount
                           PRIVATE FIELDPOST_FUSE_LOSSY="$<TARGET_FILE:fuse_lossy>")
target_link_libraries(fieldpost_lossy_mount PUBLIC fieldpost_real_site)
add_dependencies(fieldpost_lossy_mount fuse_lossy)

# The same API on a real port; demo_server shows it to people.
add_library(fieldpost_api_server STATIC support/api_server.cpp support/fakes/fake_view.cpp)
target_link_libraries(fieldpost_api_server PUBLIC fieldpost_adapters fieldpost_coordinator_http
                                                  fieldpost_reading_world)
add_executable(demo_server EXCLUDE_FROM_ALL support/demo_server.cpp)
target_link_libraries(demo_server PRIVATE fieldpost_api_server)

# The command line's surroundings, by script.
add_library(fieldpost_cli_world STATIC support/cli_world.cpp)
target_link_libraries(fieldpost_cli_world PUBLIC fieldpost_cli fieldpost_sim)

# An Arduino Uno without hardware, for tests only. Without sanitizers: it keeps up with real time.
# The bootloader is built here, since Debian's .hex takes 532 bytes where 512 are.
# Not by pkg-config: simavr.pc wants libelf-dev, which nothing here needs.
find_library(SIMAVR_LIBRARY simavr)
find_path(SIMAVR_INCLUDE simavr/sim_avr.h)
find_program(AVR_GCC avr-gcc)
find_program(AVR_OBJCOPY avr-objcopy)
find_program(AVRDUDE avrdude)
set(optiboot_source
    /usr/share/arduino/hardware/arduino/avr/bootloaders/optiboot/optiboot.c)
set(optiboot ${CMAKE_CURRENT_BINARY_DIR}/optiboot)
if(SIMAVR_LIBRARY AND SIMAVR_INCLUDE AND AVR_GCC AND AVR_OBJCOPY
   AND EXISTS ${optiboot_source})
  add_custom_command(
    OUTPUT ${optiboot}.hex
    COMMAND
      ${AVR_GCC} -Os -fno-inline-small-functions -fno-split-wide-types -mshort-calls
      -mmcu=atmega328p -DF_CPU=16000000L -DBAUD_RATE=115200L -DLED_START_FLASHES=0 -nostartfiles
      -Wl,--section-start=.text=0x7e00 -Wl,--section-start=.version=0x7ffe -Wl,--relax -o
      ${optiboot}.elf ${optiboot_source}
    COMMAND ${AVR_OBJCOPY} -O ihex -j .text -j .version --set-section-flags
            .version=alloc,load ${optiboot}.elf ${optiboot}.hex
    DEPENDS ${optiboot_source}
    VERBATIM)
  add_custom_target(avr_bootloader ALL DEPENDS ${optiboot}.hex)
  add_executable(avr_board support/avr_board.cpp)
  target_link_libraries(avr_board PRIVATE ${SIMAVR_LIBRARY})
endif()
add_library(fieldpost_avr_board STATIC support/avr_board_process.cpp)
target_compile_definitions(
  fieldpost_avr_board PRIVATE FIELDPOST_AVR_BOARD="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/avr_board"
                              FIELDPOST_AVR_BOOTLOADER="${optiboot}.hex"
                              FIELDPOST_AVRDUDE="${AVRDUDE}")
target_link_libraries(fieldpost_avr_board PUBLIC fieldpost_flags fieldpost_rt)
