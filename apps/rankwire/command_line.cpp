#include "command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>

#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/plain_words.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"

namespace launcher {
namespace {

constexpr int usage = static_cast<int>(rankwire::ExitCode::usage);

constexpr const char* footer =
    R"(What the ranks write to stdout is passed on as it is, line by line; what they write
to stderr is marked with the rank. Rank 0 reads this program's stdin. SIGINT and
SIGTERM are passed on to all ranks; a second one kills them. PROGRAM's own options
stand after it: rankwire launch -n 4 -- build/bin/product --format json

All ranks are on this machine and are given the same options. Over tcp they are at its
loopback interface, over ipc in a folder that nobody else enters: keys (--key, --allow,
--server-key) are for worlds that are started by hand, and cannot be given here.

The exit code is that of the first rank that failed, 128+N when signal N killed it;
2 for wrong usage and for a program that cannot be started.)";

/// Reads a whole number. CLI11's own reading would report errors in its own words.
std::function<void(const std::string&)> number(const char* name, int& target, int most) {
  return [name, &target, most](const std::string& text) {
    int value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end || value < 1 || value > most) {
      throw CLI::ValidationError{name,
                                 fmt::format("'{}' is not accepted: a whole number from 1 to {} is",
                                             rankwire::printable(text), most)};
    }
    target = value;
  };
}

void add_over(CLI::App& launch, Options& options) {
  launch
      .add_option_function<std::string>(
          "--over",
          [&options](const std::string& text) {
            if (text != "tcp" && text != "ipc") {
              throw CLI::ValidationError{
                  "--over", fmt::format("'{}' is not accepted: tcp and ipc are", text)};
            }
            options.over = text;
          },
          "what the ranks talk over: tcp, on the loopback interface, or ipc,\nUnix sockets "
          "in a folder of their own")
      ->type_name("NAME")
      ->default_str(options.over);
}

void add_launch(CLI::App& app, Options& options) {
  constexpr int ranks_max = 1000, port_max = 65535;
  auto* const launch =
      app.add_subcommand("launch",
                         "start all ranks of a program on this machine, over ZeroMQ:\nrankwire "
                         "launch [OPTIONS] -- PROGRAM [ARGUMENTS...]");
  launch->footer(footer);
  // Reads no further than to a word that is no option: a program whose -- was forgotten, with
  // options that are its own.
  launch->prefix_command();
  launch
      ->add_option_function<std::string>("-n,--ranks", number("--ranks", options.ranks, ranks_max),
                                         "how many ranks to start, at most 1000")
      ->type_name("N")
      ->default_str(fmt::format("{}", options.ranks));
  add_over(*launch, options);
  launch
      ->add_option_function<std::string>("--port", number("--port", options.port, port_max),
                                         "tcp: the master's port on 127.0.0.1; any free one else")
      ->type_name("N");
  launch->add_flag("--tag-output", options.tag_output,
                   "mark the lines of stdout with the rank too");
  launch
      ->add_option_function<std::string>(
          "--grace",
          [&options](const std::string& text) {
            try {
              options.grace = rankwire::parse_duration(text);
            } catch (const rankwire::UsageError& error) {
              throw CLI::ValidationError{"--grace", error.what()};
            }
          },
          "time for the others to end when one rank has failed,\nthen again until they are killed")
      ->type_name("DURATION")
      ->default_str(rankwire::duration_text(options.grace));
}

CLI::App* add_keygen(CLI::App& app, Keygen& asked) {
  auto* const keygen = app.add_subcommand(
      "keygen",
      "make a key pair for a world over ZeroMQ, NAME.key and\nNAME.key_secret: rankwire keygen "
      "[OPTIONS] NAME");
  keygen->allow_extras();
  keygen->add_option("NAME", asked.name, "whom it is for: master, w1, ...")->required();
  keygen->add_option("--dir", asked.directory, "the folder to write to; made when it is missing")
      ->type_name("DIR")
      ->capture_default_str();
  return keygen;
}

/// The subcommand that was said, with a blank behind it. Empty if there is none.
std::string subcommand(const CLI::App& app) {
  for (const char* const name : {"launch", "keygen"}) {
    if (app.got_subcommand(name)) return std::string{name} + " ";
  }
  return {};
}

/// The error for an unknown argument, or nothing.
std::string unknown(const CLI::App& app, const std::vector<std::string>& said,
                    const Options& options) {
  static const std::vector<std::string> known{"launch",       "keygen",  "--ranks",   "--port",
                                              "--tag-output", "--grace", "--version", "--help",
                                              "--dir",        "--over"};
  const auto extras = app.remaining(true);
  if (extras.empty()) return {};
  const std::string& first = extras.front();
  const bool launches = app.got_subcommand("launch");
  if (launches && !first.starts_with('-') && options.program.empty()) {
    // What is left over is the end of the command line (prefix_command).
    const std::vector<std::string> before(said.begin(), said.end() - std::ssize(extras));
    return fmt::format("rankwire launch: the program stands after --: rankwire {}\n",
                       rankwire::printable(fmt::format("{} -- {}", fmt::join(before, " "),
                                                       fmt::join(extras, " "))));
  }
  const bool is_np = first == "--np" || first.starts_with("--np=");
  const std::string nearest = is_np ? "-n" : rankwire::nearest_name(first, known);
  return fmt::format("rankwire: unknown argument {}; {}\n", rankwire::printable(first),
                     !nearest.empty() ? "did you mean " + nearest + "?"
                     : launches       ? "the program, and its own options, stand after --"
                                      : "see rankwire " + subcommand(app) + "--help");
}

/// The error for options of launch that do not go together, or nothing.
std::string contradiction(const Options& options) {
  if (options.over == "ipc" && options.port != 0) {
    return "rankwire launch: --port is for --over tcp; leave one of them out\n";
  }
  if (options.program.empty()) {
    return "rankwire launch: no program is given; say it after --, as in rankwire launch -n 4 "
           "-- build/bin/product\n";
  }
  return {};
}

}  // namespace

std::variant<Options, Keygen, Answer> read_command_line(int argc, char** argv) {
  Options options;
  Keygen keys;
  CLI::App app{"Starts programs that are built on the rankwire library, and makes their keys.",
               "rankwire"};
  app.set_version_flag("--version", std::string{"rankwire "} + RANKWIRE_VERSION);
  app.allow_extras();  // they are refused below, by name
  add_launch(app, options);
  const CLI::App* const keygen = add_keygen(app, keys);
  // Splits here: CLI11 would read the program's arguments as values, and change some.
  const std::vector<std::string> all(argv + std::min(argc, 1), argv + argc);
  const auto mark = std::find(all.begin(), all.end(), "--");
  if (mark != all.end()) options.program.assign(mark + 1, all.end());
  const std::vector<std::string> said(all.begin(), mark);
  std::vector<std::string> reversed(said.rbegin(), said.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return Answer{app.help(), 0};
  } catch (const CLI::CallForVersion& version) {
    return Answer{std::string{version.what()} + "\n", 0};
  } catch (const CLI::ParseError& error) {
    return Answer{fmt::format("rankwire: {}; see rankwire {}--help\n", rankwire::plain_words(error),
                              subcommand(app)),
                  usage};
  }
  if (const std::string line = unknown(app, said, options); !line.empty())
    return Answer{line, usage};
  if (app.get_subcommands().empty()) {
    return Answer{
        "rankwire: a subcommand is missing; there are launch and keygen, see rankwire --help\n",
        usage};
  }
  if (keygen->parsed()) {
    if (mark == all.end()) return keys;
    return Answer{"rankwire keygen: it starts no program; leave out what begins with --\n", usage};
  }
  if (const std::string line = contradiction(options); !line.empty()) return Answer{line, usage};
  return options;
}

}  // namespace launcher
