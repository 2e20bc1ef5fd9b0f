#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/spool/spool.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::agent {

struct Thinned {
  std::vector<SpoolRecord> records;  ///< without names; readings keep their origin [codec-7]
  std::vector<wire::Gap> gaps;       ///< names that no reading lives on of, with all that they lost
  std::uint64_t readings_lost = 0;
};

/// What stays of these held records when of each series and window only the first, last, smallest
/// and largest reading stay (strings and bools: first and last). Changes nothing. A reading that
/// was thinned before counts, when it is lost now, under the record it came from. Takes about 50
/// bytes of memory a reading: the caller bounds them. kFull: readings of one time are more than a
/// record holds.
rt::Result<Thinned> thin_records(Spool& spool, std::span<const wire::Name> names, rt::Nanos window,
                                 const wire::Clock& stamp);

/// Adds what is lost with a record that goes as it is: its readings under its name, or, of a
/// thinned one, under its origins, each with what it lost before [shed-1].
rt::Status add_lost_names(Spool& spool, const wire::Name& name, std::vector<wire::GapNames>& lost);

}  // namespace fieldpost::agent
