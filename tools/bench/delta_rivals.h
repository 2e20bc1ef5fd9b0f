#pragma once

#include <cstdint>
#include <string>

#include "tools/bench/measured_run.h"

namespace fieldpost::bench {

/// A base, what became of it, and a directory to work in.
struct DeltaPair {
  std::string base, target, directory;
};

/// What a transfer took at both ends.
struct DeltaFigures {
  std::string way;
  std::uint64_t bytes_target = 0;
  std::uint64_t bytes_up = 0;    ///< with the changes
  std::uint64_t bytes_down = 0;  ///< signatures
  Measured encode, decode;       ///< rsync does both at once: all is in `encode`
};

/// Ours; the sender holds the base, or gets its signature.
DeltaFigures measure_held(const DeltaPair& pair);
DeltaFigures measure_afar(const DeltaPair& pair);
/// librsync's own program, with its own choice of blocks.
DeltaFigures measure_rdiff(const DeltaPair& pair);
/// Between two directories, as over a network and with compression.
DeltaFigures measure_rsync(const DeltaPair& pair);

/// Writes `base` and `target` of the case that 1 % is changed, in edits of 1 KiB all over the file;
/// the same bytes for the same size.
bool make_scattered_edits(const std::string& directory, std::uint64_t size);

}  // namespace fieldpost::bench
