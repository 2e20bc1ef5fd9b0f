#include "coordinator/http/study_answers.h"

#include <fmt/format.h>

#include <utility>

#include "coordinator/experiments/sensor_config.h"
#include "proto/rt/http_text.h"
#include "proto/rt/json_text.h"

namespace fieldpost::coordinator {

rt::HttpResponse study_refusal(const rt::Error& error) {
  if (error.code == rt::Errc::kDenied) return rt::problem_response(409, error.message);
  if (error.code == rt::Errc::kFull) return rt::problem_response(507, error.message);
  return error_response(error);
}

std::function<void(rt::Result<std::string>)> answer_study(
    std::shared_ptr<rt::HttpResponder> responder, int status) {
  return [responder = std::move(responder), status](rt::Result<std::string> body) {
    responder->respond(body ? json_response(*std::move(body), status)
                            : study_refusal(body.error()));
  };
}

bool refuse_bad(const JsonFields& fields, rt::HttpResponder& responder) {
  if (fields.problem().empty()) return false;
  responder.respond(rt::problem_response(400, fields.problem()));
  return true;
}

std::string who(JsonFields& fields, const Call& call) {
  std::string by = fields.text("by", kNameBytesMax);
  return by.empty() ? std::string(host_of(call.request.peer)) : by;
}

std::string name_in(JsonFields& fields) {
  std::string name = fields.required_text("name", kNameBytesMax);
  if (!name.empty() && !is_valid_name(name)) {
    fields.complain("name", "expected text without control characters");
  }
  return name;
}

std::string json_string(std::string_view text) {
  std::string out;
  rt::append_json_string(out, text);
  return out;
}

void append_item(std::string& items, const std::string& item) {
  if (!items.empty()) items += ',';
  items += item;
}

}  // namespace fieldpost::coordinator
