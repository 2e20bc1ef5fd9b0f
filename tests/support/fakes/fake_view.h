#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/http/views.h"

namespace fieldpost::test {

/// A coordinator of which a test decides everything. Lists are kept in order by the test.
class FakeView final : public coordinator::CoordinatorView {
 public:
  void list_nodes(std::string after, std::size_t limit,
                  std::function<void(rt::Result<coordinator::NodePage>)> done) override;
  void find_node(std::string id,
                 std::function<void(rt::Result<coordinator::NodeView>)> done) override;
  void list_gaps(coordinator::GapFilter filter, std::int64_t after, std::size_t limit,
                 std::function<void(rt::Result<coordinator::GapPage>)> done) override;
  void list_commands(std::string node, std::uint64_t after, std::size_t limit,
                     std::function<void(rt::Result<coordinator::CommandPage>)> done) override;
  void send_command(std::string node, std::string verb, std::string arguments,
                    std::function<void(rt::Result<coordinator::CommandView>)> done) override;
  void release_node(std::string node, std::function<void(rt::Status)> done) override;
  void reprocess(std::string node, bool give_up,
                 std::function<void(rt::Result<coordinator::ReprocessView>)> done) override;
  std::unique_ptr<coordinator::LiveSubscription> subscribe(
      const std::vector<coordinator::SeriesId>& series,
      coordinator::LiveHandlers handlers) override;
  void write(coordinator::HttpWrite write,
             std::function<void(rt::Result<coordinator::HttpWriteAnswer>)> done) override;
  void write_blob(coordinator::HttpBlob blob, std::function<void(rt::Status)> done) override;
  void delete_readings(
      coordinator::DeletionRequest request,
      std::function<void(rt::Result<std::vector<coordinator::Deletion>>)> done) override;
  void replace_readings(coordinator::Replacement replacement,
                        std::function<void(rt::Result<coordinator::Replaced>)> done) override;
  std::shared_ptr<const coordinator::BootOffsets> boot_offsets() const override { return offsets; }
  std::vector<coordinator::Metric> metrics() const override { return metric_list; }
  coordinator::Readiness readiness() const override { return ready; }

  std::vector<coordinator::NodeView> nodes;
  std::vector<coordinator::GapView> gaps;
  std::vector<coordinator::CommandView> commands;
  std::vector<std::string> released;
  coordinator::GapFilter last_filter;
  std::vector<coordinator::HttpWrite> writes;
  std::vector<coordinator::HttpBlob> blobs;
  std::optional<rt::Error> blob_error;
  std::vector<coordinator::DeletionRequest> deletions;
  std::optional<rt::Error> write_error;
  std::optional<rt::Error> deletion_error;
  std::vector<coordinator::Replacement> replacements;
  std::optional<rt::Error> replacement_error;
  std::shared_ptr<coordinator::BootOffsets> offsets = std::make_shared<coordinator::BootOffsets>();
  std::vector<coordinator::Metric> metric_list;
  coordinator::Readiness ready{.ready = true, .why_not = {}};
  /// Open ones, by number.
  std::map<int, coordinator::LiveHandlers> subscriptions;
  std::vector<coordinator::SeriesId> last_subscribed;

 private:
  int subscription_count_ = 0;
};

}  // namespace fieldpost::test
