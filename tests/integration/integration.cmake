# Real sockets and processes, on loopback and in directories of their own.
add_executable(integration_tests support/doctest_main.cpp integration/http_server_test.cpp)
target_link_libraries(integration_tests PRIVATE fieldpost_adapters fieldpost_test_support
                                                doctest::doctest)
doctest_discover_tests(integration_tests PROPERTIES LABELS integration TIMEOUT 120)
