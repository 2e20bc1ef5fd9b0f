#pragma once

#include <memory>

#include "coordinator/exports/sample_writer.h"

namespace fieldpost::coordinator {

/// Row groups end where a series or recording ends once they have this many rows, and always at the
/// bound: readers skip by the statistics of time.
inline constexpr std::size_t kRowGroupRowsMin = 128 * 1024;
inline constexpr std::size_t kRowGroupRowsMax = 1 << 20;
inline constexpr std::size_t kRowGroupBytesMax = 32 << 20;  ///< compressed, in memory

rt::Result<std::unique_ptr<SampleWriter>> make_parquet_samples(SampleFileHead head,
                                                               wire::OutputFile& out);

}  // namespace fieldpost::coordinator
