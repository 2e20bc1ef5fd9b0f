#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "coordinator/coordinator.h"
#include "coordinator/http/views.h"
#include "coordinator/query/ledger_query.h"
#include "proto/rt/loop.h"
#include "proto/rt/worker.h"

namespace fieldpost::coordinator {

/// The coordinator as its HTTP routes see it: the ledger's rows, joined with what is live. Loop
/// thread; questions run on the worker given.
class SiteView final : public CoordinatorView {
 public:
  SiteView(rt::Loop& loop, rt::Worker& worker, Coordinator& coordinator, LedgerQuery ledger,
           std::string site);
  ~SiteView() override;

  void list_nodes(std::string after, std::size_t limit,
                  std::function<void(rt::Result<NodePage>)> done) override;
  void find_node(std::string id, std::function<void(rt::Result<NodeView>)> done) override;
  void list_gaps(GapFilter filter, std::int64_t after, std::size_t limit,
                 std::function<void(rt::Result<GapPage>)> done) override;
  void list_commands(std::string node, std::uint64_t after, std::size_t limit,
                     std::function<void(rt::Result<CommandPage>)> done) override;
  void release_node(std::string node, std::function<void(rt::Status)> done) override;
  void send_command(std::string node, std::string verb, std::string arguments,
                    std::function<void(rt::Result<CommandView>)> done) override;
  void reprocess(std::string node, bool give_up,
                 std::function<void(rt::Result<ReprocessView>)> done) override;
  [[nodiscard]] std::unique_ptr<LiveSubscription> subscribe(const std::vector<SeriesId>& series,
                                                            LiveHandlers handlers) override;
  void write(HttpWrite write, std::function<void(rt::Result<HttpWriteAnswer>)> done) override;
  void write_blob(HttpBlob blob, std::function<void(rt::Status)> done) override;
  void delete_readings(DeletionRequest request,
                       std::function<void(rt::Result<std::vector<Deletion>>)> done) override;
  void replace_readings(Replacement replacement,
                        std::function<void(rt::Result<Replaced>)> done) override {
    coordinator_.replace_readings(std::move(replacement), std::move(done));
  }
  [[nodiscard]] std::shared_ptr<const BootOffsets> boot_offsets() const override {
    return offsets_;
  }
  [[nodiscard]] std::vector<Metric> metrics() const override;
  [[nodiscard]] Readiness readiness() const override;

 private:
  class Subscription;
  template <typename T>
  void ask(std::function<rt::Result<T>(LedgerQuery&)> job, std::function<void(rt::Result<T>)> done);
  [[nodiscard]] NodeView join(const NodeRecord& record) const;
  void on_changed(const std::string& node, const std::vector<std::int64_t>& gaps);
  void load_offsets();

  rt::Loop& loop_;
  rt::Worker& worker_;
  Coordinator& coordinator_;
  std::shared_ptr<LedgerQuery> ledger_;  ///< the worker's while a job runs
  std::string site_;
  rt::Instant offsets_loaded_;
  std::shared_ptr<const BootOffsets> offsets_ = std::make_shared<const BootOffsets>();
  std::uint64_t next_subscription_ = 1;
  std::map<std::uint64_t, std::shared_ptr<LiveHandlers>> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator
