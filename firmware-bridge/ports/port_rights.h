#pragma once

#include <string>

#include "firmware-bridge/ports/port_diagnosis.h"
#include "firmware-bridge/ports/usb_names.h"

namespace fieldpost::bridge {

/// Who may open a device file and who we are, for `explain_denied`.
DeniedPort look_at_rights(const std::string& path, const DeviceTrees& trees = {});

}  // namespace fieldpost::bridge
