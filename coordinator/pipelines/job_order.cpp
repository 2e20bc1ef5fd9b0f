#include "coordinator/pipelines/job_order.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace fieldpost::coordinator {
namespace {

/// Depth first, of at most kJobsMax.
class Sorter {
 public:
  Sorter(const std::vector<Job>& jobs, Problems& problems) : jobs_(jobs), problems_(problems) {
    for (std::size_t i = 0; i < jobs.size(); ++i) index_[jobs[i].id] = i;
  }

  std::vector<std::size_t> sort() {
    for (std::size_t i = 0; i < jobs_.size(); ++i) visit(i);
    return std::move(order_);
  }

 private:
  void visit(std::size_t job) {
    const auto open = std::ranges::find(open_, job);
    if (open != open_.end()) {
      tell_circle(static_cast<std::size_t>(open - open_.begin()));
      return;
    }
    if (!seen_.insert(job).second) return;
    open_.push_back(job);
    for (const std::string& need : jobs_[job].needs) {
      const auto found = index_.find(need);
      if (found != index_.end()) visit(found->second);
    }
    open_.pop_back();
    order_.push_back(job);
  }

  void tell_circle(std::size_t from) {
    std::string chain;
    for (std::size_t i = from; i < open_.size(); ++i) chain += jobs_[open_[i]].id + " → ";
    const Job& first = jobs_[open_[from]];
    problems_.add(first.place, "jobs." + first.id + ".needs",
                  "jobs that need each other, " + chain + first.id, "no circle");
  }

  const std::vector<Job>& jobs_;
  Problems& problems_;
  std::map<std::string, std::size_t> index_;
  std::vector<std::size_t> open_, order_;
  std::set<std::size_t> seen_;
};

void check_needs(const std::vector<Job>& jobs, Problems& problems) {
  std::vector<std::string> ids;
  ids.reserve(jobs.size());
  for (const Job& job : jobs) ids.push_back(job.id);
  for (const Job& job : jobs) {
    std::set<std::string> named;
    for (const std::string& need : job.needs) {
      const std::string key = "jobs." + job.id + ".needs";
      if (!named.insert(need).second) {
        problems.add(job.place, key, "`" + need + "` a second time", "each job once");
      }
      if (std::ranges::find(ids, need) != ids.end()) continue;
      problems.add(job.place, key, "there is no job `" + need + "`" + problems.near_name(need, ids),
                   "ids of jobs in this file");
    }
  }
}

}  // namespace

std::vector<Job> in_order(std::vector<Job> jobs, Problems& problems) {
  check_needs(jobs, problems);
  const auto order = Sorter(jobs, problems).sort();
  std::vector<Job> out;
  out.reserve(jobs.size());
  for (const std::size_t index : order) out.push_back(std::move(jobs[index]));
  return out;
}

}  // namespace fieldpost::coordinator
