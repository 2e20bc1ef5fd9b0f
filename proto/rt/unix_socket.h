#pragma once

#include <string>

#include "proto/rt/file_descriptor.h"
#include "proto/rt/result.h"

namespace fieldpost::rt {

inline constexpr int kListenBacklog = 128;

/// Listens at `path`, mode 0660. Creates missing parent directories; takes over a socket file that
/// nobody listens on. kBusy: somebody does; kInvalid: something else lies there, or the path is too
/// long for a socket.
Result<FileDescriptor> listen_at(const std::string& path);
/// kUnavailable: nobody listens; kNotFound: no such file.
Result<FileDescriptor> connect_to(const std::string& path);

}  // namespace fieldpost::rt
