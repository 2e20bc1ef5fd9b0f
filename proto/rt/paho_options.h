#pragma once

#include <mqtt/connect_options.h>

#include <string>

#include "proto/rt/mqtt.h"

namespace fieldpost::rt {

/// mqtt:// and mqtts:// in Paho's own words; others are handed through, for Paho to refuse.
std::string paho_uri(const std::string& url);
mqtt::connect_options paho_options(const MqttOptions& options);

}  // namespace fieldpost::rt
