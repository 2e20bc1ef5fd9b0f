#pragma once

#include <string>
#include <vector>

#include "coordinator/imports/study_archive.h"
#include "coordinator/store/store.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

/// Puts what an archive says into the store. All of it runs inside the caller's transaction.
namespace fieldpost::coordinator {

/// Makes the experiment, unless one with its id is there: that stays as it is. A name that another
/// has gets " (imported)" behind it, and so does that of a config of which other sensors have this
/// version. Its readings are here already.
rt::Status import_study(Store& store, const ArchivedStudy& study, rt::UnixTime now);

/// Entries that are not there yet. kNotFound: no such experiment.
rt::Status import_log(Store& store, const std::string& experiment,
                      const std::vector<ArchivedEntry>& entries);

/// Declares losses, unless the same were declared already.
rt::Status import_gaps(Store& store, const std::vector<ArchivedGap>& gaps, rt::UnixTime now);

}  // namespace fieldpost::coordinator
