# What an installation gets: units, users, directories, the broker's configuration.
add_test(NAME systemd_verify COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/check_units.sh
                                     ${PROJECT_SOURCE_DIR}/systemd)
add_test(NAME broker_access COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/check_broker.sh
                                    ${PROJECT_SOURCE_DIR}/systemd)
set_tests_properties(systemd_verify broker_access PROPERTIES LABELS install TIMEOUT 120)
add_library(shifted_clock MODULE support/shifted_clock.c)
add_test(NAME tls_at_1970
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install/check_tls_at_1970.sh
                 ${PROJECT_SOURCE_DIR}/systemd $<TARGET_FILE_DIR:fieldpost-agent>
                 $<TARGET_FILE:shifted_clock>)
set_tests_properties(tls_at_1970 PROPERTIES LABELS install TIMEOUT 240)
