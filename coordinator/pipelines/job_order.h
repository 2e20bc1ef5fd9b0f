#pragma once

#include <vector>

#include "coordinator/pipelines/pipeline.h"

namespace fieldpost::coordinator {

/// The jobs in an order in which each comes behind what it needs, and otherwise as they stand in
/// the file. Needs that are unknown, named twice or go in a circle are problems; the circle is
/// told.
std::vector<Job> in_order(std::vector<Job> jobs, Problems& problems);

}  // namespace fieldpost::coordinator
