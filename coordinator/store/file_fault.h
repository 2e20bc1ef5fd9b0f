#pragma once

#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// An error of SQLite where kCorrupt says that one row's bytes are damaged: what SQLite calls
/// corrupt is the file's, and no row is set aside or quarantined for it.
[[nodiscard]] inline rt::Error file_fault(rt::Error error) {
  if (error.code == rt::Errc::kCorrupt) error.code = rt::Errc::kIo;
  return error;
}

}  // namespace fieldpost::coordinator
