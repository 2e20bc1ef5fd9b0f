#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fieldpost::bench {

/// What a process took.
struct Measured {
  double wall_s = 0;
  double cpu_s = 0;              ///< user and system
  std::uint64_t memory_max = 0;  ///< bytes resident
  bool is_ok = false;            ///< it ended with 0
};

/// Runs `work` in a process of its own; true: it went well. Before any thread is started.
Measured run_measured(const std::function<bool()>& work);
/// Runs a program found by PATH, its standard output into a file, its errors to ours.
Measured run_measured(const std::vector<std::string>& arguments, const std::string& output);

/// Where PATH has a program of that name.
std::optional<std::string> find_program(const std::string& name);

/// One after the other.
Measured operator+(const Measured& one, const Measured& other);

}  // namespace fieldpost::bench
