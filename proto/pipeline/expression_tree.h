#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "proto/pipeline/expression.h"

namespace fieldpost::pipeline {

enum class Function : std::uint8_t {
  kContains,
  kStartsWith,
  kEndsWith,
  kFormat,
  kJoin,
  kToJson,
  kFromJson,
  kAlways,
  kSuccess,
  kFailure,
  kCancelled,
  kHashFiles,
};

enum class NodeKind : std::uint8_t {
  kLiteral,
  kContext,
  kIndex,  ///< of the first child, by the second
  kEach,   ///< every element of its child
  kCall,
  kNot,
  kOr,  ///< of two or more, as is kAnd
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
};

struct Expression::Node {
  NodeKind kind = NodeKind::kLiteral;
  Function function = Function::kAlways;                            ///< of kCall
  std::variant<std::monostate, bool, double, std::string> literal;  ///< of kLiteral; none: null
  std::string name;                                                 ///< of kContext, in lower case
  std::vector<std::shared_ptr<const Node>> children;
  int depth = 1;  ///< of the tree below it, itself included
};

}  // namespace fieldpost::pipeline
