#pragma once

#include <memory>

#include "coordinator/http/query_desk.h"
#include "coordinator/http/readings_answer.h"
#include "proto/rt/http.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kCsvPageReadings = 10'000;  ///< in memory at once, about 1 MB of text

/// Streams all readings that `question` asks for as CSV: a page is read when the client took the
/// one before it. `readings_max` of them at most.
void export_csv(QueryDesk& desk, ReadingsQuestion question, std::uint64_t readings_max,
                std::shared_ptr<rt::HttpResponder> responder);

}  // namespace fieldpost::coordinator
