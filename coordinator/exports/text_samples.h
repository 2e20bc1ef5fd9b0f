#pragma once

#include <memory>

#include "coordinator/exports/sample_writer.h"

namespace fieldpost::coordinator {

/// RFC 4180, UTF-8, a header line; times in RFC 3339 with nanoseconds. All columns are there; what
/// a row has not is empty.
rt::Result<std::unique_ptr<SampleWriter>> make_csv_samples(SampleFileHead head,
                                                           wire::OutputFile& out);
/// One JSON object a line; members that a row has not are left out. Numbers that JSON cannot say
/// (NaN, infinities) are strings.
rt::Result<std::unique_ptr<SampleWriter>> make_json_samples(SampleFileHead head,
                                                            wire::OutputFile& out);

}  // namespace fieldpost::coordinator
