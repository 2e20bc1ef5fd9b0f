#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "coordinator/http/parameters.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"

/// How routes answer.
namespace fieldpost::coordinator {

[[nodiscard]] rt::HttpResponse json_response(std::string body, int status = 200);
/// {"items":[…],"next_cursor":…} of items that are joined already; an empty cursor is null.
[[nodiscard]] std::string list_json(std::string_view items, std::string_view next_cursor);
/// Place in a list that is ordered by rows; complains.
[[nodiscard]] std::int64_t row_after(Parameters& parameters, char kind);
/// The page with its cursor; `last_row` of the items, of which there may be more when `full`.
[[nodiscard]] std::string page_json(const std::string& items, char kind, bool full,
                                    std::int64_t last_row);

/// The problem document that says what a client can do about an error of ours.
[[nodiscard]] rt::HttpResponse error_response(const rt::Error& error);
/// Answers with a body, or with its error.
[[nodiscard]] std::function<void(rt::Result<std::string>)> answer_json(
    std::shared_ptr<rt::HttpResponder> responder);
/// Answers 400 and says true when a parameter is wrong.
[[nodiscard]] bool refuse_bad(const Parameters& parameters, rt::HttpResponder& responder);

/// "127.0.0.1" of "127.0.0.1:43211".
[[nodiscard]] std::string_view host_of(std::string_view peer);

void append_time(std::string& out, std::int64_t ns, TimeFormat format);
[[nodiscard]] std::string time_json(std::int64_t ns, TimeFormat format);
/// The shortest text that reads back as the same double; null for what JSON cannot say.
void append_double(std::string& out, double value);
/// `bits` as in wire::Column.
void append_value(std::string& out, wire::ValueType type, std::uint64_t bits,
                  std::string_view text);

}  // namespace fieldpost::coordinator
