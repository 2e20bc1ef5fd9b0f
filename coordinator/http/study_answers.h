#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/experiments/json_fields.h"
#include "coordinator/http/answers.h"
#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

/// What the routes about studies have in common.
namespace fieldpost::coordinator {

/// 409 for what the present state does not allow, 507 for a bound that is reached.
[[nodiscard]] rt::HttpResponse study_refusal(const rt::Error& error);
/// Answers with a body, or with its error.
[[nodiscard]] std::function<void(rt::Result<std::string>)> answer_study(
    std::shared_ptr<rt::HttpResponder> responder, int status = 200);
/// Answers 400 and says true when something of a body is wrong.
[[nodiscard]] bool refuse_bad(const JsonFields& fields, rt::HttpResponder& responder);

/// Who does it: `by` of the body, or the address.
[[nodiscard]] std::string who(JsonFields& fields, const Call& call);
/// A name that users choose; complains.
[[nodiscard]] std::string name_in(JsonFields& fields);

[[nodiscard]] std::string json_string(std::string_view text);  ///< with its quotes
void append_item(std::string& items, const std::string& item);

}  // namespace fieldpost::coordinator
