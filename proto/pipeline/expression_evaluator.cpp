#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/expression_functions.h"
#include "proto/pipeline/expression_tree.h"
#include "proto/pipeline/expression_value.h"

namespace fieldpost::pipeline {
namespace {

using Node = Expression::Node;

/// What a node gives: a place in a context, which is not copied, or something of its own.
struct Value {
  const Json* shared = nullptr;
  Json own;
  bool is_each = false;  ///< a list made by `*`: what comes next goes by its elements

  [[nodiscard]] const Json& get() const { return shared != nullptr ? *shared : own; }
};

Value own(Json value) {
  Value out;
  out.own = std::move(value);
  return out;
}

/// Names are the same in either case; the exact one goes first.
const Json* find_member(const Json& object, const std::string& name) {
  const auto exact = object.find(name);
  if (exact != object.end()) return &*exact;
  for (auto at = object.begin(); at != object.end(); ++at) {
    if (same_ignoring_case(at.key(), name)) return &at.value();
  }
  return nullptr;
}

const Json* find_element(const Json& list, const Json& index) {
  const double number = std::floor(number_of(index));
  if (!(number >= 0) || number >= static_cast<double>(list.size())) return nullptr;
  return &list[static_cast<std::size_t>(number)];
}

const Json* find_indexed(const Json& value, const Json& index) {
  if (value.is_array()) return find_element(value, index);
  if (!value.is_object() || index.is_array() || index.is_object()) return nullptr;
  return find_member(value, text_of(index));
}

Value indexed(const Value& base, const Json& index) {
  if (base.is_each) {
    Value out = own(Json::array());
    out.is_each = true;
    for (const Json& each : base.get()) {
      if (const Json* found = find_indexed(each, index)) out.own.push_back(*found);
    }
    return out;
  }
  const Json* found = find_indexed(base.get(), index);
  if (found == nullptr) return own(Json());
  if (base.shared == nullptr) return own(*found);
  Value out;
  out.shared = found;
  return out;
}

void append_each(const Json& of, Json& out) {
  if (!of.is_array() && !of.is_object()) return;
  for (const Json& each : of) out.push_back(each);
}

Value each_of(const Value& base) {
  Value out = own(Json::array());
  out.is_each = true;
  if (!base.is_each) {
    append_each(base.get(), out.own);
    return out;
  }
  for (const Json& each : base.get()) append_each(each, out.own);
  return out;
}

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}
  rt::Result<Value> evaluate(const Node& node);

 private:
  Value context(const std::string& name);
  rt::Result<Value> index(const Node& node);
  rt::Result<Value> first_that_decides(const Node& node, bool decides);
  rt::Result<Value> compare(const Node& node);
  rt::Result<Value> call(const Node& node);
  const Scope& scope_;
};

struct LiteralValue {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(bool flag) const { return flag; }
  Json operator()(double number) const { return number; }
  Json operator()(const std::string& text) const { return text; }
};

Value Evaluator::context(const std::string& name) {
  Value out;
  if (scope_.contexts.is_object()) out.shared = find_member(scope_.contexts, name);
  return out;
}

rt::Result<Value> Evaluator::index(const Node& node) {
  auto base = evaluate(*node.children[0]);
  if (!base) return base;
  const auto by = evaluate(*node.children[1]);
  if (!by) return by;
  return indexed(*base, by->get());
}

/// `||` gives the first that is true, `&&` the first that is not, and both else the last.
rt::Result<Value> Evaluator::first_that_decides(const Node& node, bool decides) {
  Value last;
  for (const auto& child : node.children) {
    auto value = evaluate(*child);
    if (!value) return value;
    last = *std::move(value);
    if (is_true(last.get()) == decides) break;
  }
  return last;
}

rt::Result<Value> Evaluator::compare(const Node& node) {
  const auto left_value = evaluate(*node.children[0]);
  if (!left_value) return left_value;
  const auto right_value = evaluate(*node.children[1]);
  if (!right_value) return right_value;
  const Json& left = left_value->get();
  const Json& right = right_value->get();
  if (node.kind == NodeKind::kNotEqual) return own(Json(!loosely_equal(left, right)));
  const bool takes_equal = node.kind == NodeKind::kEqual || node.kind == NodeKind::kLessEqual ||
                           node.kind == NodeKind::kGreaterEqual;
  if (takes_equal && loosely_equal(left, right)) return own(Json(true));
  if (node.kind == NodeKind::kEqual) return own(Json(false));
  const bool is_less = node.kind == NodeKind::kLess || node.kind == NodeKind::kLessEqual;
  return own(Json(is_less ? loosely_less(left, right) : loosely_less(right, left)));
}

rt::Result<Value> Evaluator::call(const Node& node) {
  std::vector<Value> values;
  values.reserve(node.children.size());
  for (const auto& child : node.children) {
    auto value = evaluate(*child);
    if (!value) return value;
    values.push_back(*std::move(value));
  }
  std::vector<const Json*> arguments;
  arguments.reserve(values.size());
  for (const Value& value : values) arguments.push_back(&value.get());
  auto result = call_function(node.function, arguments, scope_.functions);
  if (!result) return result.error();
  return own(*std::move(result));
}

rt::Result<Value> Evaluator::evaluate(const Node& node) {
  switch (node.kind) {
    case NodeKind::kLiteral: return own(std::visit(LiteralValue{}, node.literal));
    case NodeKind::kContext: return context(node.name);
    case NodeKind::kIndex: return index(node);
    case NodeKind::kCall: return call(node);
    case NodeKind::kOr: return first_that_decides(node, true);
    case NodeKind::kAnd: return first_that_decides(node, false);
    case NodeKind::kEqual:
    case NodeKind::kNotEqual:
    case NodeKind::kLess:
    case NodeKind::kLessEqual:
    case NodeKind::kGreater:
    case NodeKind::kGreaterEqual: return compare(node);
    case NodeKind::kEach:
    case NodeKind::kNot: break;
  }
  auto inner = evaluate(*node.children[0]);
  if (!inner) return inner;
  return node.kind == NodeKind::kEach ? each_of(*inner) : own(Json(!is_true(inner->get())));
}

}  // namespace

rt::Result<Json> Expression::evaluate(const Scope& scope) const {
  auto value = Evaluator(scope).evaluate(*root_);
  if (!value) return value.error();
  return value->shared != nullptr ? *value->shared : std::move(value->own);
}

}  // namespace fieldpost::pipeline
