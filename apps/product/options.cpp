#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <rankwire/errors.hpp>
#include <rankwire/units.hpp>

namespace product {
namespace {

Fail parse_fail(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string kind = colon == std::string::npos ? std::string{} : text.substr(colon + 1);
  Fail fail;
  const char* const end = text.data() + std::min(colon, text.size());
  const auto [rest, error] = std::from_chars(text.data(), end, fail.rank);
  const bool known = kind == "crash" || kind == "hang" || kind == "leave";
  if (error != std::errc{} || rest != end || fail.rank < 1 || !known) {
    throw rankwire::UsageError{fmt::format(
        "'{}' is not accepted: a worker's rank and crash, hang or leave are, as in 2:crash", text)};
  }
  fail.kind = kind == "crash"  ? Fail::Kind::crash
              : kind == "hang" ? Fail::Kind::hang
                               : Fail::Kind::leave;
  return fail;
}

std::string parse_format(const std::string& text) {
  if (text == "text" || text == "json") return text;
  throw rankwire::UsageError{fmt::format("'{}' is not accepted: text and json are", text)};
}

std::chrono::microseconds parse_timeout(const std::string& text) {
  const auto timeout = rankwire::parse_duration(text);
  if (timeout.count() == 0) {
    throw rankwire::UsageError{fmt::format("'{}' leaves no time: 1us or more is accepted", text)};
  }
  return timeout;
}

/// An option that `parse` reads; its UsageError becomes CLI11's, which names the option.
template <class Target, class Parse>
CLI::Option* add(CLI::App& app, const std::string& name, const char* type, Target& target,
                 Parse parse, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&target, parse, name](const std::string& text) {
            try {
              target = parse(text);
            } catch (const rankwire::UsageError& error) {
              throw CLI::ValidationError{name, error.what()};
            }
          },
          help)
      ->type_name(type);
}

}  // namespace

void add_options(CLI::App& app, Options& options) {
  add(app, "--format", "NAME", options.format, parse_format,
      "text, or json: an object a worker a line, the product as a\n"
      "string since most readers round large numbers")
      ->default_str(options.format);
  add(app, "--timeout", "DURATION", options.timeout, parse_timeout,
      "longest wait for one worker's result; no limit when not given");
  add(app, "--fail", "RANK:HOW", options.fail, parse_fail,
      "let a worker fail, to see what happens: crash (it kills itself),\n"
      "hang (it sleeps for ever; use --timeout), leave (it returns\n"
      "without sending)");
}

}  // namespace product
