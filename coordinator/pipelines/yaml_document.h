#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/pipelines/problems.h"
#include "coordinator/pipelines/yaml_node.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kPipelineBytesMax = 256 * 1024;
/// Of a file with its aliases written out.
inline constexpr std::size_t kYamlNodesMax = 20'000;
inline constexpr std::size_t kYamlTextBytesMax = 1024 * 1024;
inline constexpr std::size_t kYamlDepthMax = 32;
inline constexpr std::size_t kYamlKeysMax = 1'000;  ///< of one mapping

/// The one document of a file. Keys are texts: `on` is no boolean, as it is in YAML 1.1. Keys that
/// occur twice, tags and files beyond the bounds are problems. nullopt: there is nothing to look
/// at.
std::optional<YamlNode> parse_yaml(const std::string& file, std::string_view text,
                                   Problems& problems);

}  // namespace fieldpost::coordinator
