# What an installation gets: units, users, directories, the broker's configuration.
add_test(NAME systemd_verify COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/check_units.sh
                                     ${PROJECT_SOURCE_DIR}/systemd)
add_test(NAME broker_access COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/check_broker.sh
                                    ${PROJECT_SOURCE_DIR}/systemd)
set_tests_properties(systemd_verify broker_access PROPERTIES LABELS install TIMEOUT 120)
