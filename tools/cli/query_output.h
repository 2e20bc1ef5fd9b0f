#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/cli/verbs.h"

namespace fieldpost::cli {

/// Prints readings or buckets as they come, in bounded memory. CSV of readings does not come here:
/// the coordinator writes it.
class QueryOutput {
 public:
  QueryOutput(Context& context, QueryFormat format) : context_(context), format_(format) {}
  /// An item of /api/v1/readings; a series may come in several. False: nobody reads any more.
  bool add_readings(const nlohmann::ordered_json& item);
  /// An item of /api/v1/readings/aggregate, of a series or of a group.
  bool add_buckets(const nlohmann::ordered_json& item);
  /// An item of /api/v1/readings/last.
  bool add_last(const nlohmann::ordered_json& item);
  void finish();

 private:
  bool add_json(const nlohmann::ordered_json& item);
  [[nodiscard]] std::string title_of(const nlohmann::ordered_json& item);

  Context& context_;
  QueryFormat format_;
  bool begun_ = false;
  std::string last_title_;
};

}  // namespace fieldpost::cli
