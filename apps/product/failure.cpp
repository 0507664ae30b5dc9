#include "failure.hpp"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <rankwire/interrupt.hpp>
#include <thread>

namespace product {

void fail(const rankwire::Channel& world, Fail::Kind kind) {
  switch (kind) {
    case Fail::Kind::crash:
      // Where a rank is a thread, its death is that thread's: killing the process would kill all.
      if (world.info().transport == "inproc") pthread_exit(nullptr);
      std::raise(SIGKILL);
      break;
    case Fail::Kind::hang:
      while (true) {
        rankwire::check_interrupted();
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
      }
    case Fail::Kind::leave:
      break;
  }
}

}  // namespace product
