#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

// A program that is linked with this is disturbed as by a profiler or a timer of its own, where
// TEST_SIGNAL_US=1000 is in the environment: 50 to 1000 us after the last, a signal goes to each of
// its threads. Half of the signals have a handler with SA_RESTART.
// (Variables RANKWIRE_* are options of the programs, which refuse this one.)

namespace {

constexpr unsigned least_us = 50;
constexpr std::array numbers{SIGPROF, SIGUSR2};  // with SA_RESTART, without
constexpr int signals_a_list = 16;               // threads come and go

extern "C" void take_signal(int) {}

/// Without `new`, whose calls tests count.
struct Threads {
  std::array<pid_t, 1024> ids{};
  std::size_t count = 0;
};

void find_threads_but(pid_t me, Threads& threads) {
  threads.count = 0;
  DIR* const folder = opendir("/proc/self/task");
  if (folder == nullptr) return;
  while (const dirent* const entry = readdir(folder)) {
    const auto thread = static_cast<pid_t>(std::atoi(entry->d_name));  // "." is 0
    if (thread > 0 && thread != me && threads.count < threads.ids.size()) {
      threads.ids[threads.count++] = thread;
    }
  }
  closedir(folder);
}

[[noreturn]] void send_signals(unsigned most_us) {
  const auto me = static_cast<pid_t>(syscall(SYS_gettid));
  const auto threads = std::make_unique<Threads>();
  std::minstd_rand dice{static_cast<unsigned>(me)};
  for (;;) {
    find_threads_but(me, *threads);
    for (int i = 0; i < signals_a_list; ++i) {
      std::this_thread::sleep_for(
          std::chrono::microseconds{least_us + dice() % (most_us - least_us + 1)});
      // Where one has ended nothing happens: the call names the process, too.
      for (std::size_t k = 0; k < threads->count; ++k) {
        syscall(SYS_tgkill, getpid(), threads->ids[k], numbers[dice() % numbers.size()]);
      }
    }
  }
}

/// Before main, so that no program needs to know of it.
const bool begun = [] {
  const char* const text = std::getenv("TEST_SIGNAL_US");
  if (text == nullptr) return false;
  unsigned most_us = 0;
  std::from_chars(text, text + std::strlen(text), most_us);
  if (most_us < least_us) {
    std::fprintf(stderr, "TEST_SIGNAL_US=%s: at least %u\n", text, least_us);
    std::_Exit(2);
  }
  for (const int number : numbers) {
    struct sigaction action {};
    action.sa_handler = take_signal;
    action.sa_flags = number == numbers.front() ? SA_RESTART : 0;
    sigaction(number, &action, nullptr);
  }
  // That thread takes none, as a program that blocks signals for itself could not know of it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread{send_signals, most_us}.detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return true;
}();

}  // namespace
