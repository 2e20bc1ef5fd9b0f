add_executable(
  unit_tests
  support/doctest_main.cpp
  unit/wire_hash_test.cpp
  unit/wire_readings_test.cpp)
target_link_libraries(unit_tests PRIVATE fieldpost_wire doctest::doctest)
doctest_discover_tests(unit_tests PROPERTIES LABELS unit)
