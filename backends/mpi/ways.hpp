#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace rankwire::mpi {

/// How a payload travels that is too large for MPI to send it at once: in pieces that MPI does send
/// at once, which costs copies; or announced by a Note and received in place, for which MPI asks
/// the receiver first.
enum class Way : std::uint8_t { pieces, announced };

/// Which way a rank's payloads go to one other rank. Which is the quicker depends on the cores, on
/// MPI and on the kernel: payloads of 64 KiB in shared memory take 11 us in pieces and 13 us
/// announced on one machine, 17 and 13 us on another. So the receiver takes the time of some of
/// them, and tells the sender what it found (WayTimes). What is chosen before is a guess.
///
/// Payloads are told apart by their size, within a factor of two, and by whether they follow each
/// other: pieces cost the sender time as well, which matters if it has more to send.
class Ways {
 public:
  /// Larger payloads are always announced. Not a limit found by measuring: at such sizes a copy
  /// costs many times what MPI asks for.
  static constexpr std::size_t bytes_max = std::size_t{256} << 10U;
  static constexpr std::uint32_t groups = 12;
  /// The group of a payload of up to bytes_max, from 1 on.
  [[nodiscard]] static std::uint32_t group_of(std::size_t bytes, bool in_a_row);
  /// Whether the payloads of a group follow each other.
  [[nodiscard]] static bool is_in_a_row(std::uint32_t group) { return group > groups / 2; }

  struct Choice {
    Way way = Way::announced;
    std::uint32_t group = 0;  ///< not 0: the receiver is to take its time
  };
  Ways();
  /// How the next payload goes. Some go the other way, so that both have their times: every few
  /// until the receiver has told which is the quicker, and then a few among hundreds.
  [[nodiscard]] Choice choose(std::size_t bytes, bool in_a_row);
  /// The receiver has told which way is the quicker, or nothing if both are alike. A group that
  /// does not exist is ignored.
  void learned(std::uint32_t group, std::optional<Way> quicker);
  [[nodiscard]] Way way(std::uint32_t group) const { return groups_[group - 1].way; }

 private:
  /// So many go the one way, then so many the other, after so many calm ones. Only the last of a
  /// trial are timed: what lies in which cache depends on how the messages before went. (Single
  /// payloads of 16 KiB among pieces took 3.7 us if they were announced, and 6.5 us if all were.)
  struct Trial {
    unsigned messages, timed, calm;
  };
  static constexpr Trial single{6, 3, 500};
  /// In a row more are under way at once (Lane): those of a shorter trial would all be sent while
  /// the receiver takes in what was sent before, and what they cost their sender would not show.
  static constexpr Trial row{48, 12, 2000};
  struct Group {
    Way way = Way::announced;
    bool known = false;
    std::uint16_t step = 0;  // through calm messages and the two trials
  };
  std::array<Group, groups> groups_;
};

/// How long payloads of one other rank took to come in: from the note that announces them until
/// they are whole; or, if they follow each other, from when the one before was whole. (What lies
/// there already when its note is taken, as pieces do in a stream, would seem to take no time.)
class WayTimes {
 public:
  using Time = std::chrono::nanoseconds;
  struct Verdict {
    std::uint32_t group = 0;
    std::optional<Way> quicker;  ///< nothing if they differ by less than a sixteenth
  };
  /// Counts a payload. Returns what is now known of its group, once both ways have `samples` times
  /// more.
  std::optional<Verdict> add(std::uint32_t group, Way way, Time took);

  /// A way is as quick as the quickest quarter of so many: not as in a moment when the kernel ran
  /// another process, of which there are many on a busy machine.
  static constexpr std::size_t samples = 12;

 private:
  struct Times {
    std::array<Time, samples> took{};
    std::size_t count = 0;  // of all that were added; the last `samples` are kept
    [[nodiscard]] Time quarter() const;
  };
  struct Group {
    Times pieces, announced;
  };
  std::array<Group, Ways::groups> groups_;
};

}  // namespace rankwire::mpi
