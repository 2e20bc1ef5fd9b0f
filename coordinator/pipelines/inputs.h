#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/pipelines/pipeline.h"
#include "proto/pipeline/json.h"

namespace fieldpost::coordinator {

/// The name in a text of the form `$NAME`. `$$NAME` is none, and means the text `$NAME`.
[[nodiscard]] std::optional<std::string> variable_of(const std::string& text);
/// Of a text that is no `$NAME`: with `$$` at its start as one.
[[nodiscard]] std::string without_escape(const std::string& text);

/// `text` as a value of the input's type, a JSON text; nullopt when it is none.
[[nodiscard]] std::optional<std::string> input_value(const Input& input, const std::string& text);
/// "true or false", "one of a, b".
[[nodiscard]] std::string expected_of(const Input& input);
/// nullptr: there is none. Names are the same in either case.
[[nodiscard]] const Input* find_input(const std::vector<Input>& inputs, const std::string& name);

}  // namespace fieldpost::coordinator
