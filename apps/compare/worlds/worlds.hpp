#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "request/options.hpp"
#include "results/results.hpp"
#include "system/process.hpp"

namespace comparison {

/// The worlds that this program starts of itself, one after the other, and what they found.
class Worlds {
 public:
  /// `passed_on`: arguments that each of them gets.
  Worlds(const Options& options, std::vector<std::string> passed_on);
  ~Worlds();
  Worlds(const Worlds&) = delete;
  Worlds& operator=(const Worlds&) = delete;

  /// Starts a world of `ranks` over `transport` that makes `measures`. Nothing where it fails:
  /// left_out() then says why, and ended_well() is false. `environment`: "NAME=value".
  std::optional<Results> measure(const std::string& transport, int ranks,
                                 const std::vector<std::string>& measures,
                                 const std::vector<std::string>& environment = {});

  /// Why there can be no world over `transport` here; empty when there can.
  [[nodiscard]] static std::string missing(const std::string& transport);

  /// How a world of `ranks` over `transport` is started; `arguments` are its program's.
  [[nodiscard]] static Command command(const std::string& transport, int ranks,
                                       const std::vector<std::string>& arguments);

  void leave_out(const std::string& what, const std::string& why);
  /// The same of what could have been measured, and went wrong.
  void fail(const std::string& what, const std::string& why);
  [[nodiscard]] bool ended_well() const { return ended_well_; }
  [[nodiscard]] const std::vector<Named>& left_out() const { return left_out_; }

 private:
  const Options& options_;
  std::vector<std::string> passed_on_;
  std::filesystem::path folder_;  // private, for what the worlds hand over
  int started_ = 0;
  bool ended_well_ = true;
  std::vector<Named> left_out_;
};

}  // namespace comparison
