#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "coordinator/parquet/footer.h"
#include "coordinator/parquet/format.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

/// Values as words: the bits of an i64, u64, time or double, 0 or 1, of a text its index in
/// `texts`.
struct PageValues {
  std::vector<std::uint64_t> words;
  std::vector<std::string_view> texts;  ///< into the page's bytes
};

/// Fills `values.words`, whose size is the number of values, with those of a page or dictionary
/// without nulls. kCorrupt when the bytes are too few or a text is not UTF-8, kInvalid for an
/// encoding that is not supported and for times beyond 64 bits of nanoseconds. Not for indices into
/// a dictionary. The message says why.
rt::Status read_values(const FileColumn& column, Encoding encoding, std::string_view bytes,
                       PageValues& values);

/// Fills `words` with indices below `dictionary_size`.
rt::Status read_indices(std::string_view bytes, std::size_t dictionary_size,
                        std::span<std::uint64_t> words);

}  // namespace fieldpost::coordinator::parquet
