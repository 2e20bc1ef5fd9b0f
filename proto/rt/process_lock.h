#pragma once

#include <string>
#include <string_view>

#include "proto/rt/file_descriptor.h"
#include "proto/rt/result.h"

namespace fieldpost::rt {

/// Takes the lock of a directory that is there: one process has it at a time, until it drops the
/// descriptor or ends, however it ends. kBusy: another `program` has it.
Result<FileDescriptor> lock_directory(const std::string& directory, std::string_view program);

}  // namespace fieldpost::rt
