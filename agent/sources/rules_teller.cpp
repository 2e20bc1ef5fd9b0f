#include "agent/sources/rules_teller.h"

#include <cstdlib>

namespace fieldpost::agent {

void RulesTeller::tell(Intake& intake, rt::UnixTime now) {
  if (told_ && std::abs(now.ns - told_->ns) < mapping::kRulesEveryNs) return;
  told_ = now;
  wire::ParsedLines lines;
  keeper_.add_rules(now, lines);
  intake.accept_sampled(std::move(lines));
}

}  // namespace fieldpost::agent
