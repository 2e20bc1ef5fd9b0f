#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "coordinator/replay/replay.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kReplaysKept = 16;  ///< that are over; older ones are forgotten

/// /api/v1/reprocess: raw messages are made into readings anew, one replay at a time, and so are
/// records that were quarantined. A replay that ends with its process has changed nothing.
class ReplayRoutes {
 public:
  explicit ReplayRoutes(Services& services) : services_(services) {}
  void add_to(Router& router);

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;
  void post(Call call);
  void list(const Call& call);
  void show(const Call& call);
  void cancel(const Call& call);
  void start(ReplayRequest request, bool dry, rt::HttpResponder& responder);
  void go_on(const JobPtr& job);
  void on_step(const JobPtr& job, const rt::Result<bool>& more);
  void apply(const JobPtr& job);
  void replace(const JobPtr& job, Replacement replacement);
  [[nodiscard]] JobPtr find(const Call& call) const;

  Services& services_;
  std::deque<JobPtr> jobs_;  ///< the newest last
  std::uint64_t last_id_ = 0;
};

}  // namespace fieldpost::coordinator
