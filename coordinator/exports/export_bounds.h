#pragma once

#include <cstddef>

/// How much one export may have; who reads it back allows as much.
namespace fieldpost::coordinator {

inline constexpr std::size_t kExportFilesMax = 200'000;   ///< of samples
inline constexpr std::size_t kExportBodiesMax = 200'000;  ///< frames and files
inline constexpr std::size_t kExportDocumentsMax = 16;    ///< beside them
/// What its manifest may list.
inline constexpr std::size_t kExportListedMax =
    kExportFilesMax + kExportBodiesMax + kExportDocumentsMax;

}  // namespace fieldpost::coordinator
