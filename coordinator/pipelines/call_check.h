#pragma once

#include "coordinator/pipelines/pipeline.h"

namespace fieldpost::coordinator {

/// Whether `call` gives what `used` takes. Texts that are only known when a build is planned are
/// looked at then.
void check_arguments(const PipelineCall& call, const Pipeline& used, Problems& problems);
/// The same of secrets, which a step hands on anyway.
void check_secrets(const PipelineCall& call, const Pipeline& used, Problems& problems);
/// Whether a step can use it: one job, of which only the steps count.
[[nodiscard]] bool check_as_step(const PipelineCall& call, const Pipeline& used,
                                 Problems& problems);

}  // namespace fieldpost::coordinator
