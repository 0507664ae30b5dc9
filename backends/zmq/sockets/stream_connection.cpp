#include "sockets/stream_connection.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>  // glibc's tcp_info does not know the bytes received and acknowledged
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "protocol/protocol.hpp"
#include "reach/address.hpp"

namespace rankwire::zmq_wire {
namespace {

/// SO_PEERPIDFD of Linux 6.5. It also works for a process that is not visible from here. The
/// headers may be older than the kernel.
#ifdef SO_PEERPIDFD
constexpr int so_peerpidfd = SO_PEERPIDFD;
#else
constexpr int so_peerpidfd = 77;
#endif

template <class Value>
std::optional<Value> option(int descriptor, int name) {
  Value value{};
  socklen_t length = sizeof value;
  if (getsockopt(descriptor, SOL_SOCKET, name, &value, &length) != 0) return std::nullopt;
  return value;
}

/// "bbr", "bbr2" and so on.
bool is_paced(int descriptor) {
  std::array<char, 16> name{};  // TCP_CA_NAME_MAX, the zero at its end included
  socklen_t length = name.size();
  return getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length) == 0 &&
         std::string_view{name.data()}.starts_with("bbr");
}

/// Nothing if the system does not say.
template <class NameOfSocket>
std::optional<SocketAddress> end_of(int descriptor, NameOfSocket&& name_of) {
  SocketAddress end;
  end.length = sizeof end.bytes;
  if (name_of(descriptor, reinterpret_cast<sockaddr*>(&end.bytes), &end.length) != 0) return {};
  return end;
}

std::uint16_t port_in(const std::optional<SocketAddress>& end) {
  if (!end) return 0;
  if (end->get()->sa_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(end->get())->sin_port);
  if (end->get()->sa_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(end->get())->sin6_port);
  return 0;
}

/// Whether both ends have the same address, which no two hosts have.
bool both_ends_are_here(int descriptor) {
  const auto own = end_of(descriptor, getsockname), peer = end_of(descriptor, getpeername);
  return own && peer &&
         address_of(*own->get(), own->length).number ==
             address_of(*peer->get(), peer->length).number;
}

}  // namespace

std::optional<StreamConnection> StreamConnection::at(int descriptor) {
  // Each connection of the machine has its own cookie, which is never used again.
  const auto cookie = option<std::uint64_t>(descriptor, SO_COOKIE);
  const auto family = option<int>(descriptor, SO_DOMAIN);
  if (!cookie || !family || option<int>(descriptor, SO_ACCEPTCONN) != 0) return std::nullopt;
  StreamConnection connection;
  connection.descriptor_ = descriptor;
  connection.cookie_ = *cookie;
  if (*family != AF_UNIX) return connection;
  const auto peer = option<ucred>(descriptor, SO_PEERCRED);
  if (!peer) return std::nullopt;
  connection.process_ = Process{peer->pid, peer->uid};
  return connection;
}

bool StreamConnection::leads_to(std::uint16_t port) const {
  return process_ || port_in(end_of(descriptor_, getpeername)) == port;
}

bool StreamConnection::came_to(std::uint16_t port) const {
  return process_ || port_in(end_of(descriptor_, getsockname)) == port;
}

bool StreamConnection::is_still_there() const {
  return option<std::uint64_t>(descriptor_, SO_COOKIE) == cookie_;
}

std::optional<StreamConnection::Facts> StreamConnection::facts() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (process_ || !is_still_there() ||
      getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return std::nullopt;
  }
  // Asked after TCP_INFO, so that no byte counts as read that was not.
  int unread = 0;
  if (ioctl(descriptor_, SIOCINQ, &unread) != 0) return std::nullopt;
  const auto waiting =
      std::min<std::uint64_t>(static_cast<unsigned>(unread), info.tcpi_bytes_received);
  return Facts{info.tcpi_bytes_received - waiting,
               std::chrono::milliseconds{info.tcpi_last_data_recv}};
}

StreamConnection::Come StreamConnection::come() const {
  Come come;
  if (const auto known = facts()) come.total = known->bytes_read;
  int waiting = 0;
  if (is_still_there() && ioctl(descriptor_, SIOCINQ, &waiting) == 0) {
    come.waiting = static_cast<unsigned>(waiting);
  }
  return come;
}

/// The pid may belong to another process by now, if the rank has ended. The end of this connection
/// is then noticed later; no other connection is affected.
Descriptor StreamConnection::end_of_process() const {
  if (!process_) return Descriptor{-1};
  int file = -1;
  socklen_t length = sizeof file;
  if (getsockopt(descriptor_, SOL_SOCKET, so_peerpidfd, &file, &length) != 0) {
    if (process_->id <= 0) return Descriptor{-1};
    // The C library has no function for this system call. Old kernels and some containers refuse
    // it.
    file = static_cast<int>(syscall(SYS_pidfd_open, process_->id, 0));
  }
  Descriptor end{file};
  rlimit files{};
  const bool is_known = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY;
  // The system gives the lowest free number, so it tells how many files are in use.
  if (is_known && file >= 0 && static_cast<rlim_t>(file) >= files.rlim_cur / 2) end.reset();
  return end;
}

void StreamConnection::suit_one_host() const {
  if (!is_still_there()) return;
  if (process_) {
    const int bytes = static_cast<int>(piece_bytes_min);
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  } else if (is_paced(descriptor_) && both_ends_are_here(descriptor_)) {
    constexpr std::string_view unpaced = "reno";  // every Linux has it, and allows it to everyone
    setsockopt(descriptor_, IPPROTO_TCP, TCP_CONGESTION, unpaced.data(), unpaced.size());
  }
}

void StreamConnection::end() const {
  // A descriptor of our own: libzmq cannot close it meanwhile, and the system cannot give it to
  // another file.
  const Descriptor own{fcntl(descriptor_, F_DUPFD_CLOEXEC, 0)};
  const int descriptor = own ? own.get() : descriptor_;
  if (option<std::uint64_t>(descriptor, SO_COOKIE) != cookie_) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  if (process_ || ::connect(descriptor, &nobody, sizeof nobody) != 0) {
    shutdown(descriptor, SHUT_RDWR);
  }
}

void StreamConnection::end_unread() const {
  end();
  if (!process_ || !is_still_there()) return;
  std::array<char, 4096> forgotten{};
  while (::recv(descriptor_, forgotten.data(), forgotten.size(), MSG_DONTWAIT) > 0) {
  }
}

bool StreamConnection::has_sent_all() const {
  int waiting = 0;
  return !is_still_there() || ioctl(descriptor_, SIOCOUTQ, &waiting) != 0 || waiting == 0;
}

void StreamConnection::discard_input() const {
  if (process_ || !is_still_there()) return;
  // A segment begins with TCP's header of (byte 12 >> 4) * 4 bytes. It passes if nothing stands
  // behind that.
  constexpr auto code = [](int what) { return static_cast<std::uint16_t>(what); };
  std::array<sock_filter, 8> program{{
      {code(BPF_LD | BPF_B | BPF_ABS), 0, 0, 12},
      {code(BPF_ALU | BPF_RSH | BPF_K), 0, 0, 2},
      {code(BPF_ALU | BPF_AND | BPF_K), 0, 0, 0x3c},
      {code(BPF_MISC | BPF_TAX), 0, 0, 0},
      {code(BPF_LD | BPF_W | BPF_LEN), 0, 0, 0},
      {code(BPF_JMP | BPF_JGT | BPF_X), 1, 0, 0},
      {code(BPF_RET | BPF_K), 0, 0, 0xffffffff},
      {code(BPF_RET | BPF_K), 0, 0, 0},
  }};
  const sock_fprog filter{static_cast<std::uint16_t>(program.size()), program.data()};
  setsockopt(descriptor_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace rankwire::zmq_wire
