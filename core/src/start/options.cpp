#include "start/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "rankwire/backend/endpoint.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"

namespace rankwire {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr const char* group = "Options of every rankwire program";

/// An option whose text `set` reads; what `set` throws is told to CLI11 in its own words.
CLI::Option* add(CLI::App& app, const std::string& names, const char* type, const std::string& help,
                 std::function<void(const std::string&)> set) {
  const std::string name = names.substr(names.rfind("--"));
  auto* const option = app.add_option_function<std::string>(
      names,
      [name, set = std::move(set)](const std::string& text) {
        try {
          set(text);
        } catch (const UsageError& error) {
          throw CLI::ValidationError{name, error.what()};
        }
      },
      help);
  return option->type_name(type)->group(group);
}

/// What `read` makes of `text`; `most`, which is out of all bounds, where that is too large for it.
template <class Value>
Value or_most(Value (*read)(std::string_view), const std::string& text, Value most) {
  try {
    return read(text);
  } catch (const TooLarge&) {
    return most;
  }
}

template <class Duration>
Duration parse_between(const std::string& text, microseconds least, microseconds most) {
  const microseconds value = or_most(parse_duration, text, microseconds::max());
  if (value < least || value > most || std::chrono::duration_cast<Duration>(value) != value) {
    throw UsageError{fmt::format("'{}' is out of bounds: {} to {} is accepted{}", printable(text),
                                 duration_text(least), duration_text(most),
                                 Duration{1} > 1us ? ", in whole milliseconds" : "")};
  }
  return std::chrono::duration_cast<Duration>(value);
}

template <class Duration>
void add_duration(CLI::App& app, const std::string& name, Duration& target, microseconds least,
                  microseconds most, const std::string& help) {
  add(app, name, "DURATION", help, [&target, least, most](const std::string& text) {
    target = parse_between<Duration>(text, least, most);
  })->default_str(duration_text(target));
}

void add_wait(CLI::App& app, const std::string& name, std::optional<microseconds>& target,
              const std::string& help) {
  add(app, name, "DURATION", help, [&target](const std::string& text) {
    target.reset();
    if (text == "auto") return;
    try {
      target = parse_between<microseconds>(text, 0s, 1s);
    } catch (const UsageError& error) {
      throw UsageError{fmt::format("{}; so is auto", error.what())};
    }
  })->default_str("auto");
}

void add_bytes(CLI::App& app, const std::string& name, std::uint64_t& target, std::uint64_t least,
               std::uint64_t most, const std::string& help) {
  add(app, name, "BYTES", help, [&target, least, most](const std::string& text) {
    const std::uint64_t value = or_most(parse_bytes, text, UINT64_MAX);
    if (value < least || value > most) {
      throw UsageError{fmt::format("'{}' is out of bounds: {} to {} is accepted", printable(text),
                                   bytes_text(least), bytes_text(most))};
    }
    target = value;
  })->default_str(bytes_text(target));
}

CLI::Option* add_number(CLI::App& app, const std::string& names, std::optional<int>& target,
                        int most, const std::string& help) {
  return add(app, names, "N", help, [&target, most](const std::string& text) {
    int value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end || value < 1 || value > most) {
      throw UsageError{fmt::format("'{}' is not accepted: a whole number from 1 to {} is",
                                   printable(text), most)};
    }
    target = value;
  });
}

template <std::size_t count>
void add_choice(CLI::App& app, const std::string& name, std::string& target,
                const std::array<std::string, count>& choices, const std::string& help) {
  auto* const option = add(app, name, "NAME", help, [&target, choices](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      const std::string nearest = nearest_name(text, choices);
      throw UsageError{fmt::format("'{}' is not accepted: {} are{}", printable(text),
                                   fmt::join(choices, ", "),
                                   nearest.empty() ? "" : "; did you mean " + nearest + "?")};
    }
    target = text;
  });
  if (!target.empty()) option->default_str(target);
}

/// Text for which only the file system, or another host, can say whether it is right.
void add_text(CLI::App& app, const std::string& name, const char* type, std::string& target,
              const std::string& help) {
  add(app, name, type, help, [&target](const std::string& text) {
    if (text.empty()) throw UsageError{"an empty text is not accepted"};
    target = text;
  });
}

std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? port : std::uint16_t{0};
}

void add_port_range(CLI::App& app, std::optional<PortRange>& target) {
  add(app, "--port-range", "A:B", "zmq: a worker listens on a free port of these",
      [&target](const std::string& text) {
        const std::size_t colon = std::min(text.find(':'), text.size());
        const PortRange range{
            parse_port(std::string_view{text}.substr(0, colon)),
            parse_port(std::string_view{text}.substr(std::min(colon + 1, text.size())))};
        if (range.first == 0 || range.last < range.first) {
          throw UsageError{
              fmt::format("'{}' is not accepted: two ports are, the lower one first, from 1 to "
                          "65535, as in 6000:6099",
                          printable(text))};
        }
        target = range;
      });
}

/// Where a master listens, and its workers: over ipc, beside it.
Endpoint parse_meeting(const std::string& text) {
  Endpoint endpoint = parse_endpoint(text);
  constexpr std::size_t most = ipc_path_bytes_max - ipc_suffix_bytes;
  if (endpoint.path.size() > most) {
    throw UsageError{fmt::format(
        "'{}': the path has {} bytes, and {} are accepted: the system takes {}, and "
        "the sockets of workers have {} more; name a file in a folder with a shorter "
        "path, such as /tmp",
        printable(text), endpoint.path.size(), most, ipc_path_bytes_max, ipc_suffix_bytes)};
  }
  return endpoint;
}

void add_join(CLI::App& app, std::string& target) {
  add(app, "--join", "ENDPOINT",
      "zmq: be a worker of the master that listens here,\ntcp://HOST:PORT or ipc:///PATH, or "
      "@FILE for its\n--address-file",
      [&target](const std::string& text) {
        if (text == "@")
          throw UsageError{"'@': the name of the master's --address-file is missing"};
        if (!text.starts_with('@')) {
          const Endpoint endpoint = parse_meeting(text);
          if (endpoint.port == 0 && !endpoint.is_ipc()) {
            throw UsageError{fmt::format("'{}': port 0 cannot be joined: 1 to 65535 is accepted",
                                         printable(text))};
          }
          if (endpoint.host == "*") {
            throw UsageError{
                fmt::format("'{}': name the master's host instead of *", printable(text))};
          }
        }
        target = text;
      });
}

void add_job(CLI::App& app, std::string& target) {
  add(app, "--job", "NAME", "zmq: worlds with another job name refuse each other",
      [&target](const std::string& text) {
        constexpr std::size_t length_max = 64;
        constexpr std::string_view accepted =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
        if (text.empty() || text.size() > length_max ||
            text.find_first_not_of(accepted) != std::string::npos) {
          throw UsageError{
              fmt::format("'{}' is not accepted: 1 to {} letters, digits, '.', '_' and '-' are",
                          printable(text), length_max)};
        }
        target = text;
      })
      ->default_str(target);
}

void add_world(CLI::App& app, Settings& settings) {
  add_choice(app, "--transport", settings.transport,
             std::array<std::string, 3>{"inproc", "mpi", "zmq"},
             "inproc, mpi or zmq; when not said: zmq with --listen or\n"
             "--join, mpi under mpiexec or srun, and inproc otherwise");
  add_number(app, "-n,--ranks", settings.ranks, Settings::ranks_max, "size of the world")
      ->default_str(fmt::format("{}", Settings::ranks_default));
  add(app, "--listen", "ENDPOINT",
      "zmq: be the master (rank 0) and listen here,\ntcp://HOST:PORT, or ipc:///PATH for ranks of "
      "one host",
      [&settings](const std::string& text) {
        (void)parse_meeting(text);
        settings.listen = text;
      });
  add_join(app, settings.join);
  add_number(app, "--rank", settings.rank, Settings::ranks_max - 1,
             "zmq: the rank this worker wants; by order of arrival otherwise");
  add_job(app, settings.job);
}

/// Who reaches whom over zmq, and who may.
void add_reach_and_keys(CLI::App& app, Settings& settings) {
  add_text(app, "--address-file", "FILE", settings.address_file,
           "zmq: the master writes here where it can be joined");
  add(app, "--advertise", "HOST", "zmq: name or address by which others reach this host",
      [&settings](const std::string& text) { settings.advertise = parse_host(text); });
  add_port_range(app, settings.port_range);
  add_text(
      app, "--key", "FILE", settings.key,
      "zmq: own secret key, NAME.key_secret of rankwire keygen;\nall links are then encrypted");
  add_text(app, "--allow", "DIR", settings.allow,
           "zmq: the master lets in those whose public keys\n(NAME.key) are here");
  add_text(app, "--server-key", "FILE", settings.server_key,
           "zmq: a worker joins the master with this public key");
  app.add_flag("--insecure", settings.insecure,
               "zmq: may listen where other hosts reach it, without keys")
      ->group(group);
}

void add_times_and_sizes(CLI::App& app, Settings& settings) {
  add_duration(app, "--join-timeout", settings.join_timeout, 100ms, 24h,
               "zmq: longest wait for the world to be complete");
  add_duration(app, "--grace", settings.grace, 100ms, 1h,
               "zmq: how long a rank may be out of reach before it is lost");
  add_duration(app, "--linger", settings.linger, 0s, 1h,
               "longest wait for messages to be delivered at the end");
  add_bytes(app, "--window", settings.window_bytes, std::uint64_t{1} << 10, std::uint64_t{1} << 40,
            "bytes under way from one rank to another before a send waits");
  add_bytes(app, "--message-max", settings.message_bytes_max, 1, std::uint64_t{1} << 40,
            "largest message");
  add_wait(app, "--wait-spin", settings.wait.spin,
           "a blocked wait first spins so long; auto: by the\nranks and cores of the host");
  add_wait(app, "--wait-yield", settings.wait.yield, "then yields its core for so long");
  add_duration(app, "--wait-sleep", settings.wait.sleep_max, 50us, 1ms,
               "then sleeps, at most so long at a time");
  add_choice(app, "--log-level", settings.log_level,
             std::array<std::string, 6>{"trace", "debug", "info", "warn", "error", "off"},
             "what to log to stderr: trace, debug, info, warn, error, off");
}

}  // namespace

void add_library_options(CLI::App& app, Settings& settings) {
  add_world(app, settings);
  add_reach_and_keys(app, settings);
  add_times_and_sizes(app, settings);
}

}  // namespace rankwire
