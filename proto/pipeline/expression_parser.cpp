#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "proto/pipeline/expression_lexer.h"
#include "proto/pipeline/expression_tree.h"
#include "proto/pipeline/expression_value.h"

namespace fieldpost::pipeline {
namespace {

using Node = Expression::Node;
using NodePtr = std::shared_ptr<const Node>;

struct Signature {
  std::string_view name;
  Function function;
  std::size_t arguments_min;
  std::size_t arguments_max;
};
constexpr std::size_t kArgumentsMax = 255;
constexpr std::array<Signature, 12> kSignatures = {{
    {"contains", Function::kContains, 2, 2},
    {"startsWith", Function::kStartsWith, 2, 2},
    {"endsWith", Function::kEndsWith, 2, 2},
    {"format", Function::kFormat, 1, kArgumentsMax},
    {"join", Function::kJoin, 1, 2},
    {"toJSON", Function::kToJson, 1, 1},
    {"fromJSON", Function::kFromJson, 1, 1},
    {"always", Function::kAlways, 0, 0},
    {"success", Function::kSuccess, 0, 0},
    {"failure", Function::kFailure, 0, 0},
    {"cancelled", Function::kCancelled, 0, 0},
    {"hashFiles", Function::kHashFiles, 1, kArgumentsMax},
}};

struct Operator {
  std::string_view symbol;
  NodeKind kind;
};
constexpr std::array<Operator, 2> kEqualities = {
    {{"==", NodeKind::kEqual}, {"!=", NodeKind::kNotEqual}}};
constexpr std::array<Operator, 4> kOrders = {{{"<", NodeKind::kLess},
                                              {"<=", NodeKind::kLessEqual},
                                              {">", NodeKind::kGreater},
                                              {">=", NodeKind::kGreaterEqual}}};

std::string known_functions() {
  std::string all;
  for (const Signature& each : kSignatures) {
    all += (all.empty() ? "" : ", ");
    all += each.name;
  }
  return "one of " + all;
}

/// Recursive descent. Each parse_… gives nothing after the first error, which is kept.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  NodePtr parse_whole();
  [[nodiscard]] const rt::Error& error() const { return (FP_CHECK(error_.has_value()), *error_); }
  std::vector<Use> take_uses() { return std::move(uses_); }

 private:
  NodePtr parse_nested();
  NodePtr parse_or();
  NodePtr parse_and();
  NodePtr parse_equality();
  NodePtr parse_order();
  NodePtr parse_unary();
  NodePtr parse_postfix();
  NodePtr parse_primary(Use& use);
  NodePtr parse_name(Use& use);
  NodePtr parse_call(const Token& name);
  NodePtr parse_member(NodePtr base, Use& use, bool& is_known);
  NodePtr parse_index(NodePtr base, Use& use, bool& is_known);

  [[nodiscard]] const Token& next() const { return tokens_[at_]; }
  [[nodiscard]] bool is_next(std::string_view symbol) const {
    return next().kind == TokenKind::kSymbol && next().text == symbol;
  }
  Token take() { return next().kind == TokenKind::kEnd ? next() : tokens_[at_++]; }
  bool try_take(std::string_view symbol);
  std::optional<NodeKind> try_take_operator(std::span<const Operator> operators);
  NodePtr make(Node node);
  NodePtr make_literal(const Token& token);
  NodePtr fail(const Token& token, std::string_view expected);
  bool try_descend();

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  std::vector<Use> uses_;
  std::optional<rt::Error> error_;
};

NodePtr Parser::fail(const Token& token, std::string_view expected) {
  if (error_) return nullptr;
  const std::string what = token.kind == TokenKind::kEnd
                               ? std::string("the expression ends")
                               : fmt::format("unexpected `{}`", token.text);
  error_ = expression_error(token.offset, what, expected);
  return nullptr;
}

bool Parser::try_descend() {
  if (++nesting_ <= kExpressionDepthMax) return true;
  if (!error_) {
    error_ = expression_error(next().offset, "it nests too deep",
                              fmt::format("at most {} levels", kExpressionDepthMax));
  }
  return false;
}

NodePtr Parser::make(Node node) {
  for (const NodePtr& child : node.children) node.depth = std::max(node.depth, child->depth + 1);
  if (node.depth <= kExpressionDepthMax) return std::make_shared<const Node>(std::move(node));
  if (!error_) {
    error_ = expression_error(next().offset, "it nests too deep",
                              fmt::format("at most {} levels", kExpressionDepthMax));
  }
  return nullptr;
}

NodePtr Parser::make_literal(const Token& token) {
  Node node;
  if (token.kind == TokenKind::kNumber) node.literal = token.number;
  if (token.kind == TokenKind::kText) node.literal = token.text;
  if (token.kind == TokenKind::kName && token.text != "null") node.literal = token.text == "true";
  return make(std::move(node));
}

bool Parser::try_take(std::string_view symbol) {
  if (!is_next(symbol)) return false;
  ++at_;
  return true;
}

std::optional<NodeKind> Parser::try_take_operator(std::span<const Operator> operators) {
  for (const Operator& each : operators) {
    if (try_take(each.symbol)) return each.kind;
  }
  return std::nullopt;
}

NodePtr Parser::parse_whole() {
  NodePtr root = parse_nested();
  if (root != nullptr && next().kind != TokenKind::kEnd) {
    return fail(next(), "an operator or the end");
  }
  return root;
}

NodePtr Parser::parse_nested() {
  if (!try_descend()) return nullptr;
  NodePtr node = parse_or();
  --nesting_;
  return node;
}

NodePtr Parser::parse_or() {
  Node node{.kind = NodeKind::kOr};
  do {
    node.children.push_back(parse_and());
    if (node.children.back() == nullptr) return nullptr;
  } while (try_take("||"));
  return node.children.size() == 1 ? node.children.front() : make(std::move(node));
}

NodePtr Parser::parse_and() {
  Node node{.kind = NodeKind::kAnd};
  do {
    node.children.push_back(parse_equality());
    if (node.children.back() == nullptr) return nullptr;
  } while (try_take("&&"));
  return node.children.size() == 1 ? node.children.front() : make(std::move(node));
}

NodePtr Parser::parse_equality() {
  NodePtr left = parse_order();
  while (left != nullptr) {
    const auto kind = try_take_operator(kEqualities);
    if (!kind) return left;
    NodePtr right = parse_order();
    if (right == nullptr) return nullptr;
    left = make({.kind = *kind, .children = {left, right}});
  }
  return left;
}

NodePtr Parser::parse_order() {
  NodePtr left = parse_unary();
  while (left != nullptr) {
    const auto kind = try_take_operator(kOrders);
    if (!kind) return left;
    NodePtr right = parse_unary();
    if (right == nullptr) return nullptr;
    left = make({.kind = *kind, .children = {left, right}});
  }
  return left;
}

NodePtr Parser::parse_unary() {
  if (!try_take("!")) return parse_postfix();
  if (!try_descend()) return nullptr;
  NodePtr inner = parse_unary();
  --nesting_;
  return inner == nullptr ? nullptr : make({.kind = NodeKind::kNot, .children = {inner}});
}

NodePtr Parser::parse_postfix() {
  Use use;
  NodePtr node = parse_primary(use);
  bool is_known = !use.path.empty() && !use.is_call;
  while (node != nullptr) {
    if (try_take(".")) {
      node = parse_member(std::move(node), use, is_known);
    } else if (try_take("[")) {
      node = parse_index(std::move(node), use, is_known);
    } else {
      break;
    }
  }
  if (!use.path.empty()) uses_.push_back(std::move(use));
  return node;
}

NodePtr Parser::parse_member(NodePtr base, Use& use, bool& is_known) {
  const Token token = take();
  if (token.kind == TokenKind::kSymbol && token.text == "*") {
    is_known = false;
    return make({.kind = NodeKind::kEach, .children = {base}});
  }
  if (token.kind != TokenKind::kName) return fail(token, "the name of a member, or *");
  if (is_known) use.path.push_back({token.text, token.offset, token.size, false});
  NodePtr name = make({.literal = token.text});
  return make({.kind = NodeKind::kIndex, .children = {base, name}});
}

NodePtr Parser::parse_index(NodePtr base, Use& use, bool& is_known) {
  const Token first = next();
  if (try_take("*")) {
    is_known = false;
    if (!try_take("]")) return fail(next(), "]");
    return make({.kind = NodeKind::kEach, .children = {base}});
  }
  NodePtr index = parse_nested();
  if (index == nullptr) return nullptr;
  const bool is_text = index->kind == NodeKind::kLiteral && first.kind == TokenKind::kText;
  is_known = is_known && is_text;
  if (is_known) use.path.push_back({first.text, first.offset, first.size, true});
  if (!try_take("]")) return fail(next(), "]");
  return make({.kind = NodeKind::kIndex, .children = {base, index}});
}

NodePtr Parser::parse_primary(Use& use) {
  const Token token = next();
  if (token.kind == TokenKind::kName) return parse_name(use);
  if (token.kind == TokenKind::kNumber || token.kind == TokenKind::kText) {
    return make_literal(take());
  }
  if (!try_take("(")) return fail(token, "a value, a name or (");
  NodePtr inner = parse_nested();
  if (inner == nullptr) return nullptr;
  return try_take(")") ? inner : fail(next(), ")");
}

NodePtr Parser::parse_name(Use& use) {
  const Token token = take();
  if (token.text == "true" || token.text == "false" || token.text == "null") {
    return make_literal(token);
  }
  use.path.push_back({lower_case(token.text), token.offset, token.size, false});
  use.is_call = is_next("(");
  if (use.is_call) return parse_call(token);
  return make({.kind = NodeKind::kContext, .name = use.path.front().name});
}

NodePtr Parser::parse_call(const Token& name) {
  const auto signature = std::ranges::find_if(
      kSignatures, [&](const Signature& each) { return same_ignoring_case(each.name, name.text); });
  if (signature == kSignatures.end()) return fail(name, known_functions());
  Node node{.kind = NodeKind::kCall, .function = signature->function};
  (void)try_take("(");
  while (!is_next(")")) {
    if (!node.children.empty() && !try_take(",")) return fail(next(), ", or )");
    NodePtr argument = parse_nested();
    if (argument == nullptr) return nullptr;
    node.children.push_back(std::move(argument));
  }
  (void)try_take(")");
  const std::size_t count = node.children.size();
  if (count >= signature->arguments_min && count <= signature->arguments_max) {
    return make(std::move(node));
  }
  const bool is_one = signature->arguments_min == signature->arguments_max;
  error_ = expression_error(
      name.offset, fmt::format("{} with {} arguments", name.text, count),
      is_one ? std::to_string(signature->arguments_min)
             : fmt::format("{} to {}", signature->arguments_min, signature->arguments_max));
  return nullptr;
}

}  // namespace

rt::Result<Expression> Expression::parse(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return expression_error(0, fmt::format("an expression of {} bytes", text.size()),
                            fmt::format("at most {}", kExpressionBytesMax));
  }
  auto tokens = split_expression(text);
  if (!tokens) return tokens.error();
  Parser parser(*std::move(tokens));
  Expression expression;
  expression.root_ = parser.parse_whole();
  if (expression.root_ == nullptr) return parser.error();
  expression.uses_ = parser.take_uses();
  return expression;
}

bool Expression::asks_status() const {
  return std::ranges::any_of(uses_, [](const Use& use) {
    constexpr std::array<std::string_view, 4> kStatus = {"always", "success", "failure",
                                                         "cancelled"};
    return use.is_call && std::ranges::find(kStatus, use.path.front().name) != kStatus.end();
  });
}

}  // namespace fieldpost::pipeline
