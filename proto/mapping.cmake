# How messages of devices become readings: for sources, and for replaying what was kept raw.
add_library(
  fieldpost_mapping STATIC
  mapping/device_time.cpp
  mapping/form_mapping.cpp
  mapping/found_object.cpp
  mapping/http_route.cpp
  mapping/json_mapping.cpp
  mapping/mapper.cpp
  mapping/mapping_check.cpp
  mapping/plain_value.cpp
  mapping/protobuf.cpp
  mapping/raw_keeper.cpp
  mapping/raw_message.cpp
  mapping/readings_builder.cpp
  mapping/route_door.cpp
  mapping/route_mapper.cpp
  mapping/rules.cpp
  mapping/sparkplug.cpp
  mapping/sparkplug_payload.cpp
  mapping/topic_pattern.cpp)
target_link_libraries(fieldpost_mapping PUBLIC fieldpost_wire
                                        PRIVATE nlohmann_json::nlohmann_json)

# The keys of mappings and routes in the configurations of both daemons.
add_library(fieldpost_mapping_config STATIC mapping/http_route_config.cpp mapping/mapping_keys.cpp)
target_link_libraries(fieldpost_mapping_config PUBLIC fieldpost_mapping fieldpost_config)
