#pragma once

#include <string>

#include "coordinator/store/import_table.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"

/// How often an import was begun at one place and came no further, in a file beside its own: what
/// ends the process (by the memory that it takes, say) must not do so at every start.
namespace fieldpost::coordinator {

/// That ended with the process. Power cuts during one long check of an archive count as well.
inline constexpr std::size_t kImportAttemptsMax = 5;

/// Before a run begins at `place`; `path` is the import's file. kFull: too many ended there; the
/// next one is the first again.
rt::Status note_attempt(rt::Files& files, const std::string& path, const ImportPlace& place);
/// After a run that ended otherwise.
rt::Status forget_attempts(rt::Files& files, const std::string& path);

}  // namespace fieldpost::coordinator
