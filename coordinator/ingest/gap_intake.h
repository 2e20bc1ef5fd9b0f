#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/ingest/quarantine.h"
#include "coordinator/store/ledger.h"
#include "proto/rt/result.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// Takes the gaps that records carry into the ledger ([commit-5], [shed-1]). Store thread, inside
/// the caller's transaction.
class GapIntake {
 public:
  GapIntake(Ledger& ledger, Quarantine& quarantine) : ledger_(ledger), quarantine_(quarantine) {}

  /// A gap that the record `seq` of `carrier` carries. Adds the rows that are new to `added`.
  /// Taking it again changes nothing.
  rt::Status take(const IncarnationRow& carrier, std::uint64_t seq, const wire::Gap& gap,
                  rt::UnixTime now, std::vector<std::int64_t>& added);

 private:
  struct Part {
    IncarnationRow incarnation;
    wire::SeqRange range;
    std::optional<std::uint64_t> each;  ///< readings of each name
    bool settles = true;                ///< false: it was gapped before, and counted nothing
  };
  rt::Status tell_again(const IncarnationRow& incarnation, wire::SeqRange range, std::uint64_t each,
                        std::vector<wire::SeqRange>& listed, std::vector<Part>& parts);

  Ledger& ledger_;
  Quarantine& quarantine_;
};

}  // namespace fieldpost::coordinator
