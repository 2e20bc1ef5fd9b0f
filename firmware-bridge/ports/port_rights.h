#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "firmware-bridge/ports/port_diagnosis.h"
#include "firmware-bridge/ports/usb_names.h"

namespace fieldpost::bridge {

struct FileRights {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;
};
struct Credentials {
  uid_t user = 0;
  std::vector<gid_t> groups;  ///< the effective one among them
};
/// Whether the mode lets them read and write. Passes over access control lists, and over the
/// service's unit, which can keep a device shut whatever its mode: the kernel's own answer
/// (`euidaccess`) does not tell the two apart.
[[nodiscard]] bool mode_suffices(const FileRights& file, const Credentials& who);

/// Who may open a device file and who we are, for `explain_denied`.
DeniedPort look_at_rights(const std::string& path, const DeviceTrees& trees = {});

}  // namespace fieldpost::bridge
