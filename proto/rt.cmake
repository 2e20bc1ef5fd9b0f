# Ports and values; and, apart from them, the real adapters.
add_library(fieldpost_rt STATIC rt/base64.cpp rt/result.cpp rt/random.cpp rt/sqlite.cpp rt/http.cpp
                                 rt/http_text.cpp
                                 rt/csv_text.cpp rt/json_depth.cpp
                                 rt/json_text.cpp rt/long_turns.cpp)
target_link_libraries(
  fieldpost_rt
  PUBLIC fieldpost_flags fmt::fmt SQLite::SQLite3
  PRIVATE PkgConfig::SODIUM)

# Real adapters. Core libraries never link this: programs and tests do.
add_library(
  fieldpost_adapters STATIC
  rt/asio_http.cpp
  rt/certificate_time.cpp
  rt/errno_error.cpp
  rt/fd_stream.cpp
  rt/http_connection.cpp
  rt/notify.cpp
  rt/paho_mqtt.cpp
  rt/paho_options.cpp
  rt/process_lock.cpp
  rt/process_spawner.cpp
  rt/real_loop.cpp
  rt/real_streams.cpp
  rt/spawn_process.cpp
  rt/stderr_log.cpp
  rt/system_clock.cpp
  rt/system_files.cpp
  rt/system_random.cpp
  rt/thread_worker.cpp
  rt/timer_queue.cpp
  rt/unix_socket.cpp)
target_compile_definitions(fieldpost_adapters PRIVATE BOOST_ERROR_CODE_HEADER_ONLY)
target_link_libraries(
  fieldpost_adapters
  PUBLIC fieldpost_rt
  PRIVATE fieldpost_http_reader Boost::headers OpenSSL::Crypto PahoMqttCpp::paho-mqttpp3
          PkgConfig::SYSTEMD spdlog::spdlog Threads::Threads)

# Beast's parser alone: no sockets.
add_library(fieldpost_http_reader STATIC rt/http_reader.cpp)
target_compile_definitions(fieldpost_http_reader PRIVATE BOOST_ERROR_CODE_HEADER_ONLY)
target_link_libraries(
  fieldpost_http_reader
  PUBLIC fieldpost_rt
  PRIVATE Boost::headers)

# Reads configuration; the only user of toml++, whose headers alone are used: its shared library
# throws, and would be one more to load.
add_library(fieldpost_config STATIC rt/config.cpp rt/config_file.cpp rt/config_load.cpp
                                    rt/config_parts.cpp rt/config_print.cpp
                                    rt/config_value.cpp rt/live_config.cpp)
target_compile_definitions(
  fieldpost_config PRIVATE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0 TOML_ENABLE_FORMATTERS=0)
target_include_directories(
  fieldpost_config SYSTEM
  PRIVATE $<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(fieldpost_config PUBLIC fieldpost_rt)

# What the main functions of all daemons share.
execute_process(
  COMMAND git -C ${PROJECT_SOURCE_DIR} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE FIELDPOST_COMMIT
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
# --version names the commit that was built, so a new commit has to come through here again.
if(EXISTS ${PROJECT_SOURCE_DIR}/.git/logs/HEAD)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                                         ${PROJECT_SOURCE_DIR}/.git/logs/HEAD)
endif()
if(NOT FIELDPOST_COMMIT)
  set(FIELDPOST_COMMIT "unknown")
endif()
# No clock that is right stands before it.
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(FIELDPOST_BUILT $ENV{SOURCE_DATE_EPOCH})
else()
  execute_process(
    COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 --format=%ct
    OUTPUT_VARIABLE FIELDPOST_BUILT
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT FIELDPOST_BUILT)
  string(TIMESTAMP FIELDPOST_BUILT %s UTC)
endif()
file(CONFIGURE OUTPUT version/fieldpost_version.h
     CONTENT "#pragma once
namespace fieldpost::rt {
inline constexpr const char* kVersion = \"${PROJECT_VERSION}\";
inline constexpr const char* kCommit = \"${FIELDPOST_COMMIT}\";
inline constexpr long long kBuiltS = ${FIELDPOST_BUILT};  // since 1970
}
")
add_library(fieldpost_daemon_adapters STATIC rt/daemon_doctor.cpp rt/daemon_main.cpp
                                             rt/daemon_run.cpp)
target_include_directories(fieldpost_daemon_adapters SYSTEM
                           PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/version)
target_link_libraries(fieldpost_daemon_adapters PUBLIC fieldpost_adapters fieldpost_config)
