#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proto/mapping/raw_message.h"
#include "proto/mapping/rules.h"
#include "proto/mapping/sparkplug.h"
#include "proto/mapping/topic_pattern.h"
#include "proto/rt/loop.h"
#include "proto/rt/time.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::mapping {

/// Makes readings of one source's messages. What Sparkplug's births told is remembered from message
/// to message; the other formats are without memory. One thread at a time.
class Mapper {
 public:
  /// kInvalid as check_rules says.
  static rt::Result<Mapper> make(MappingRules rules);

  struct Mapped {
    /// Of lines, those that are bad are told in here. Everything that was stamped has one time.
    wire::ParsedLines lines;
    rt::Status status = rt::ok();    ///< of a message on a topic: why it gave nothing, or not all
    bool is_meant = true;            ///< false: the rules are for other topics
    std::optional<std::string> ask;  ///< Sparkplug: the topic to ask for a rebirth
  };
  /// `arrived` is the time of readings without a time of their own. A message on a topic that the
  /// rules are not for gives nothing.
  [[nodiscard]] Mapped map(const Message& message, rt::UnixTime arrived, rt::Instant now);

  [[nodiscard]] const MappingRules& rules() const { return rules_; }
  [[nodiscard]] const Sparkplug::Counts& sparkplug_counts() const { return sparkplug_.counts(); }
  /// A retained value without a time is left out: nobody knows how old it is.
  [[nodiscard]] std::uint64_t retained_left_out() const {
    return retained_left_out_ + sparkplug_.counts().retained_left_out;
  }

 private:
  Mapper(MappingRules rules, std::optional<TopicPattern> pattern);
  struct Arrival {
    rt::UnixTime arrived;
    rt::Instant now;
  };
  [[nodiscard]] Mapped map_request(const Message& request, rt::UnixTime arrived) const;
  rt::Status add_message(const Message& message, const TopicPattern::Names& names,
                         const Arrival& arrival, ReadingsBuilder& builder,
                         std::optional<std::string>& ask);
  rt::Status add_number(const Message& message, const TopicPattern::Names& names,
                        rt::UnixTime arrived, ReadingsBuilder& builder);
  rt::Status add_object(const Message& message, const TopicPattern::Names& names,
                        rt::UnixTime arrived, ReadingsBuilder& builder);
  bool leave_out_retained(const Message& message);

  MappingRules rules_;
  std::optional<TopicPattern> pattern_;  ///< none: messages are lines
  Sparkplug sparkplug_;
  wire::LineParser parser_;
  std::uint64_t retained_left_out_ = 0;
};

}  // namespace fieldpost::mapping
