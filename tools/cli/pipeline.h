#pragma once

#include <string>

#include "proto/rt/files.h"
#include "tools/cli/context.h"

/// The verbs about pipelines; every one returns the exit code.
namespace fieldpost::cli {

struct PipelineCheck {
  std::string file;
};
/// Checks a file and the pipelines beside it that it uses; 78 when something is wrong with them.
int run_pipeline_check(Context& context, rt::Files& files, const PipelineCheck& options);

}  // namespace fieldpost::cli
