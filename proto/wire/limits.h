#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound of the wire protocol, named (A6). Changing one changes the protocol: see README.md.
namespace fieldpost::wire {

inline constexpr std::size_t kEnvelopeBytesMax = 256 * 1024;  ///< of one MQTT payload
inline constexpr std::size_t kPayloadBytesMax = 128 * 1024;   ///< of a record's compressed payload
inline constexpr std::size_t kRawPayloadBytesMax = 16 << 20;  ///< after decompression
inline constexpr std::size_t kDefinitionBytesMax = 112 * 1024;  ///< of one series set
inline constexpr std::size_t kSetSeriesMax = 4096;              ///< series of one set
inline constexpr std::size_t kRecordReadingsMax = 65'536;       ///< readings of one record
inline constexpr std::size_t kSeriesKeyBytesMax = 4096;         ///< of one canonical series key
inline constexpr std::size_t kStringValueBytesMax = 64 * 1024;  ///< of one string reading
inline constexpr std::size_t kLogPieceBytesMax = 64 * 1024;     ///< of a job's log
inline constexpr std::size_t kBuildFactBytesMax = 32 * 1024;    ///< JSON
inline constexpr std::size_t kJobSpecBytesMax = 128 * 1024;     ///< JSON
inline constexpr std::size_t kFragmentBytes = 96 * 1024;        ///< of a body; the last is shorter
inline constexpr std::uint64_t kBodyBytesMax = 4ull << 30;
inline constexpr std::size_t kMediaTypeBytesMax = 100;
inline constexpr std::size_t kBodyNameBytesMax = 255;
inline constexpr std::size_t kTagsMax = 64;  ///< tags of one series
inline constexpr std::size_t kGapsPerRecordMax = 64;
inline constexpr std::size_t kGapNamesMax = 4096;     ///< ranges of one gap
inline constexpr std::size_t kGapSetsMax = 256;       ///< more: sets not known
inline constexpr std::uint64_t kSeqMax = 1ull << 62;  ///< far from where a store's integers wrap
inline constexpr std::uint64_t kSeqLease = 65'536;    ///< seqs leased to an incarnation at a time
inline constexpr int kHelloRecentIncarnations = 8;    ///< always listed, outside the digest
inline constexpr int kHelloPagesMax = 64;
inline constexpr std::size_t kLabelsMax = 64;                         ///< of one node
inline constexpr std::size_t kSourcesMax = 256;                       ///< of one node
inline constexpr std::size_t kSamplingHintsMax = 128;                 ///< of one node
inline constexpr std::size_t kSamplingNameBytesMax = 200;             ///< of a measurement there
inline constexpr std::size_t kCommandArgumentsBytesMax = 192 * 1024;  ///< beside an envelope's rest
inline constexpr std::size_t kFlashImageBytesMax =
    128 * 1024;                               ///< Intel HEX that a command carries
inline constexpr int kDefinitionAsksMax = 5;  ///< then the record is quarantined
inline constexpr int kPublishTriesMax = 3;    ///< then the agent checks its own copy

}  // namespace fieldpost::wire
