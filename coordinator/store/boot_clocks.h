#pragma once

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// As readings of it are stored.
[[nodiscard]] wire::Id128 boot_of(const wire::Clock& stamp);

/// How far the times are off that nodes stamped while their clocks were not synchronised [env-9].
/// Inside the caller's transaction; what is known of a boot already is not written again.
class BootClocks {
 public:
  explicit BootClocks(rt::Database& db) : db_(db) {}
  /// The stamp of a boot-stamped record.
  rt::Status note_stamp(const wire::Clock& stamp);
  /// What a node told of itself.
  rt::Status note_told(const wire::Clock& told);

 private:
  rt::Status note(const wire::Clock& clock, const char* sql);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator
