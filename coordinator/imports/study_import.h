#pragma once

#include <span>
#include <string>
#include <vector>

#include "coordinator/imports/study_archive.h"
#include "coordinator/store/store.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

/// Puts what an archive says into the store. All of it runs inside the caller's transaction.
namespace fieldpost::coordinator {

/// Makes the experiment, unless one with its id is there: that stays as it is. A name that another
/// has gets " (imported)" behind it, and so does that of a config that has versions here, unless
/// this one with the same sensors is among them. Its readings are here already. kDenied: something
/// else has the id of a member or a recording.
rt::Status import_study(Store& store, const ArchivedStudy& study, rt::UnixTime now);

/// Entries that are not there yet; one whose id is another experiment's gets one that is made of
/// it. kNotFound: no such experiment.
rt::Status import_log(Store& store, const std::string& experiment,
                      const std::vector<ArchivedEntry>& entries);

/// Declares losses, unless the same stand here already: of those that say where they were declared
/// first the one from there, of others as many as their numbers say. Looks at the
/// gaps of their nodes and times once a call: give it many.
rt::Status import_gaps(Store& store, std::span<const ArchivedGap> gaps, rt::UnixTime now);

}  // namespace fieldpost::coordinator
