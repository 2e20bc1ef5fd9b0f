#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proto/mapping/json_mapping.h"

namespace fieldpost::mapping {

/// Of a form or of a URL's query, decoded. Of a name that is repeated the first counts.
using FormParameters = std::vector<std::pair<std::string, std::string>>;

/// Adds the readings of one form; the mapping names parameters where it has JSON pointers for
/// objects. A field without a type is f64; a bool is true, on, yes or 1, or false, off, no or 0.
/// Fields that are missing are left out, and empty ones that are no strings. kInvalid, and the
/// builder is to be dropped: no field found, a value of the wrong type, a tag that is missing, a
/// time that is not one, a value that cannot be stored.
[[nodiscard]] rt::Status add_form(const JsonMapping& mapping, const FormParameters& parameters,
                                  rt::UnixTime now, ReadingsBuilder& builder);

}  // namespace fieldpost::mapping
