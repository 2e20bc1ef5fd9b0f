#include "coordinator/pipelines/yaml_document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

namespace fieldpost::coordinator {
namespace {

using Kind = YamlNode::Kind;

struct Extent {
  std::size_t nodes = 1;
  std::size_t text_bytes = 0;
  std::size_t depth = 1;
};

Extent extent_of(const YamlNode& node) {
  Extent out{.text_bytes = node.text.size()};
  for (const YamlNode::Key& key : node.keys) out.text_bytes += key.text.size();
  for (const YamlNode& item : node.items) {
    const Extent inner = extent_of(item);
    out.nodes += inner.nodes;
    out.text_bytes += inner.text_bytes;
    out.depth = std::max(out.depth, inner.depth + 1);
  }
  return out;
}

/// Makes a tree of the parser's events. Beyond a bound it takes no more of them.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

  void complain(const YAML::Mark& mark, std::string what, std::string expected);
  std::optional<YamlNode> take_root() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::optional<YamlNode::Key> key;  ///< of a mapping, when its value is next
  };

  static YamlNode make(Kind kind, const YAML::Mark& mark);
  void check_tag(const YAML::Mark& mark, const std::string& tag);
  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void attach(YamlNode node, YAML::anchor_t anchor, const Extent& extent);
  void attach_to_mapping(Open& open, YamlNode node);
  bool try_count(const YamlNode& node, const Extent& extent);

  const std::string& file_;
  Problems& problems_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::optional<YamlNode> root_;
  std::size_t nodes_ = 0;
  std::size_t text_bytes_ = 0;
  bool is_stopped_ = false;
};

void TreeBuilder::complain(const YAML::Mark& mark, std::string what, std::string expected) {
  problems_.add({file_, mark.line + 1, mark.column + 1}, "", std::move(what), std::move(expected));
}

YamlNode TreeBuilder::make(Kind kind, const YAML::Mark& mark) {
  YamlNode node;
  node.kind = kind;
  node.line = mark.line + 1;
  node.column = mark.column + 1;
  return node;
}

/// The parser says "?" and "!" of what has no tag.
void TreeBuilder::check_tag(const YAML::Mark& mark, const std::string& tag) {
  if (tag.empty() || tag == "?" || tag == "!") return;
  complain(mark, fmt::format("a tag, `{}`", tag), "a value without one");
}

bool TreeBuilder::try_count(const YamlNode& node, const Extent& extent) {
  nodes_ += extent.nodes;
  text_bytes_ += extent.text_bytes;
  const bool has_room = open_.empty() || open_.back().node.keys.size() < kYamlKeysMax;
  const bool fits = has_room && nodes_ <= kYamlNodesMax && text_bytes_ <= kYamlTextBytesMax &&
                    open_.size() + extent.depth <= kYamlDepthMax;
  if (fits) return true;
  is_stopped_ = true;
  problems_.add({file_, node.line, node.column}, "", "the file is too large from here on",
                fmt::format("at most {} values, {} keys in a mapping, {} bytes of text and {} "
                            "levels, with aliases written out",
                            kYamlNodesMax, kYamlKeysMax, kYamlTextBytesMax, kYamlDepthMax));
  return false;
}

void TreeBuilder::attach_to_mapping(Open& open, YamlNode node) {
  if (open.key) {
    const bool is_double = std::ranges::any_of(
        open.node.keys, [&](const YamlNode::Key& each) { return each.text == open.key->text; });
    if (is_double) {
      problems_.add({file_, open.key->line, open.key->column}, "",
                    fmt::format("the key `{}` a second time", open.key->text), "each key once");
    } else {
      open.node.keys.push_back(*std::move(open.key));
      open.node.items.push_back(std::move(node));
    }
    open.key.reset();
    return;
  }
  if (!node.is_scalar()) {
    problems_.add({file_, node.line, node.column}, "", "a key that is no text", "a name");
  }
  open.key = YamlNode::Key{std::move(node.text), node.line, node.column};
}

void TreeBuilder::attach(YamlNode node, YAML::anchor_t anchor, const Extent& extent) {
  if (!try_count(node, extent)) return;
  if (anchor != 0) anchors_[anchor] = node;
  if (open_.empty()) {
    root_ = std::move(node);
  } else if (open_.back().node.is_mapping()) {
    attach_to_mapping(open_.back(), std::move(node));
  } else {
    open_.back().node.items.push_back(std::move(node));
  }
}

void TreeBuilder::open(Kind kind, const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor) {
  if (is_stopped_) return;
  check_tag(mark, tag);
  if (open_.size() >= kYamlDepthMax) {
    (void)try_count(make(kind, mark), {});
    return;
  }
  open_.push_back({make(kind, mark), anchor, std::nullopt});
}

/// Its items were counted as they came.
void TreeBuilder::close() {
  if (is_stopped_) return;
  Open done = std::move(open_.back());
  open_.pop_back();
  attach(std::move(done.node), done.anchor, {});
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (!is_stopped_) attach(make(Kind::kNull, mark), anchor, {});
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (is_stopped_) return;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    complain(mark, "an alias inside of what it stands for", "one behind it");
    attach(make(Kind::kNull, mark), 0, {});
    return;
  }
  const Extent extent = extent_of(found->second);
  if (nodes_ + extent.nodes > kYamlNodesMax) {
    (void)try_count(make(Kind::kNull, mark), extent);
    return;
  }
  YamlNode node = found->second;
  node.line = mark.line + 1;
  node.column = mark.column + 1;
  attach(std::move(node), 0, extent);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  if (is_stopped_) return;
  check_tag(mark, tag);
  YamlNode node = make(tag == "?" ? Kind::kPlain : Kind::kQuoted, mark);
  node.text = value;
  attach(std::move(node), anchor, {.text_bytes = value.size()});
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value) {
  open(Kind::kList, mark, tag, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  open(Kind::kMapping, mark, tag, anchor);
}

/// The only place that sees the library's exceptions.
void parse_events(const std::string& file, std::string_view text, TreeBuilder& builder) {
  Problems unheard;
  TreeBuilder ignored(file, unheard);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return;
    if (parser.HandleNextDocument(ignored)) {
      builder.complain(YAML::Mark(), "a second document in the file", "one pipeline a file");
    }
  } catch (const YAML::Exception& error) {
    builder.complain(error.mark, "not YAML: " + error.msg, "");
  }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto at = std::ranges::find_if(keys, [&](const Key& each) { return each.text == key; });
  return at == keys.end() ? nullptr : &items[static_cast<std::size_t>(at - keys.begin())];
}

std::optional<YamlNode> parse_yaml(const std::string& file, std::string_view text,
                                   Problems& problems) {
  if (text.size() > kPipelineBytesMax) {
    problems.add({file, 0, 0}, "", fmt::format("{} bytes", text.size()),
                 fmt::format("at most {}", kPipelineBytesMax));
    return std::nullopt;
  }
  const std::size_t before = problems.all().size();
  TreeBuilder builder(file, problems);
  parse_events(file, text, builder);
  auto root = builder.take_root();
  if (!root && problems.all().size() == before && problems.left_out() == 0) {
    problems.add({file, 0, 0}, "", "there is nothing in the file", "a pipeline");
  }
  return root;
}

}  // namespace fieldpost::coordinator
