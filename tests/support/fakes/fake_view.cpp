#include "tests/support/fakes/fake_view.h"

#include <algorithm>
#include <utility>

namespace fieldpost::test {

using namespace coordinator;  // NOLINT

namespace {

class FakeSubscription final : public LiveSubscription {
 public:
  FakeSubscription(std::map<int, LiveHandlers>& open, int number) : open_(open), number_(number) {}
  ~FakeSubscription() override { open_.erase(number_); }
  FakeSubscription(const FakeSubscription&) = delete;
  FakeSubscription& operator=(const FakeSubscription&) = delete;

 private:
  std::map<int, LiveHandlers>& open_;
  int number_;
};

rt::Error no_node(const std::string& id) {
  return {rt::Errc::kNotFound, "there is no node " + id};
}

/// The page of those whose `id` is above `after`.
template <typename Item, typename Id>
std::pair<std::vector<Item>, bool> page_of(const std::vector<Item>& items, const Id& after,
                                           std::size_t limit) {
  std::vector<Item> page;
  for (const Item& item : items) {
    if (item.id <= after) continue;
    if (page.size() == limit) return {page, true};
    page.push_back(item);
  }
  return {page, false};
}

}  // namespace

void FakeView::list_nodes(std::string after, std::size_t limit,
                          std::function<void(rt::Result<NodePage>)> done) {
  auto [page, more] = page_of(nodes, after, limit);
  done(NodePage{std::move(page), more});
}

void FakeView::find_node(std::string id, std::function<void(rt::Result<NodeView>)> done) {
  for (const NodeView& node : nodes) {
    if (node.id == id) return done(node);
  }
  done(no_node(id));
}

void FakeView::list_gaps(GapFilter filter, std::int64_t after, std::size_t limit,
                         std::function<void(rt::Result<GapPage>)> done) {
  last_filter = std::move(filter);
  auto [page, more] = page_of(gaps, after, limit);
  done(GapPage{std::move(page), more});
}

void FakeView::list_commands(std::string node, std::uint64_t after, std::size_t limit,
                             std::function<void(rt::Result<CommandPage>)> done) {
  if (nodes.empty() || nodes.front().id != node) return done(no_node(node));
  auto [page, more] = page_of(commands, after, limit);
  done(CommandPage{std::move(page), more});
}

void FakeView::release_node(std::string node, std::function<void(rt::Status)> done) {
  const bool known =
      std::any_of(nodes.begin(), nodes.end(),
                  [&](const coordinator::NodeView& each) { return each.id == node; });
  if (!known) return done(rt::Error{rt::Errc::kNotFound, "no such node: " + node});
  released.push_back(std::move(node));
  done(rt::ok());
}

void FakeView::send_command(std::string node, std::string verb, std::string arguments,
                            std::function<void(rt::Result<CommandView>)> done) {
  if (nodes.empty() || nodes.front().id != node) return done(no_node(node));
  if (verb != "ping") return done(rt::Error{rt::Errc::kInvalid, "expected the verb ping"});
  CommandView command;
  command.id = commands.size() + 1;
  command.verb = std::move(verb);
  command.arguments = std::move(arguments);
  commands.push_back(command);
  done(command);
}

void FakeView::reprocess(std::string node, bool give_up,
                         std::function<void(rt::Result<ReprocessView>)> done) {
  if (!node.empty() && (nodes.empty() || nodes.front().id != node)) return done(no_node(node));
  done(give_up ? ReprocessView{.given_up = 2} : ReprocessView{.stored = 3, .left = 2});
}

std::unique_ptr<LiveSubscription> FakeView::subscribe(const std::vector<SeriesId>& series,
                                                      LiveHandlers handlers) {
  last_subscribed = series;
  const int number = ++subscription_count_;
  subscriptions.emplace(number, std::move(handlers));
  return std::make_unique<FakeSubscription>(subscriptions, number);
}

void FakeView::replace_readings(coordinator::Replacement replacement,
                                std::function<void(rt::Result<coordinator::Replaced>)> done) {
  if (replacement_error) return done(*replacement_error);
  coordinator::Replaced replaced;
  for (const auto& each : replacement.old) replaced.removed += each.times.size();
  for (const auto& each : replacement.fresh) replaced.added += each.readings;
  replacements.push_back(std::move(replacement));
  done(replaced);
}

void FakeView::write_blob(coordinator::HttpBlob blob, std::function<void(rt::Status)> done) {
  if (blob_error) return done(*blob_error);
  blobs.push_back(std::move(blob));
  done(rt::ok());
}

void FakeView::delete_readings(
    coordinator::DeletionRequest request,
    std::function<void(rt::Result<std::vector<coordinator::Deletion>>)> done) {
  if (deletion_error) return done(*deletion_error);
  deletions.push_back(std::move(request));
  done(std::vector<coordinator::Deletion>{{deletions.back().node, 7}});
}

void FakeView::write(HttpWrite write, std::function<void(rt::Result<HttpWriteAnswer>)> done) {
  if (write_error) return done(*write_error);
  const std::size_t lines = write.lines.lines_stored;
  writes.push_back(std::move(write));
  done(HttpWriteAnswer{lines});
}

}  // namespace fieldpost::test
