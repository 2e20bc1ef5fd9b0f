# What compilers do not see.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME style COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/check_style.py)
add_test(NAME style_catches COMMAND Python3::Interpreter
                                    ${PROJECT_SOURCE_DIR}/tools/check_style.py --self-test)
set_tests_properties(style style_catches PROPERTIES LABELS style)
