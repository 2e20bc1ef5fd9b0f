# Ports and values; and, apart from them, the real adapters.
add_library(fieldpost_rt STATIC rt/result.cpp rt/random.cpp rt/sqlite.cpp rt/http.cpp
                                 rt/http_text.cpp rt/json_text.cpp)
target_link_libraries(fieldpost_rt PUBLIC fieldpost_flags fmt::fmt SQLite::SQLite3)
