# Sourced by a test of several hosts, which it makes out of network namespaces:
#
#   source hosts.sh
#   enter_network "$@"          first of all: runs the script again in namespaces of its own
#   add_hosts alpha beta gamma  hosts of these names, 10.77.0.1 and on, on one switch
#   on beta COMMAND...          runs it there
#   start_on beta COMMAND...    the same in the background; $! is the command itself
#   apart, unplug, no_calls, reset_all    break the network: see there
#
# Nothing of it is seen outside, and nothing stays: the namespaces (network, mounts, processes) end
# when the script does, however it ends, with all that runs in them. Where users may have namespaces
# it needs no privilege. All hosts see the files of this machine, except that /run is their own and
# that /etc/hosts has their names.

skip_code=77

# enter_network "$@": or ends the test as skipped, with the reason.
enter_network() {
  if [[ ${RANKWIRE_TEST_INSIDE:-} == $$ ]]; then
    unset RANKWIRE_TEST_INSIDE
    set_up_network
    return
  fi
  local namespaces=(--net --uts --mount --pid --fork --kill-child --mount-proc) tool why
  [[ $EUID == 0 ]] || namespaces+=(--user --map-root-user)
  for tool in unshare ip iptables hostname; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || skip "there is no program $tool"
  done
  why=$(PATH=$PATH:/usr/sbin:/sbin unshare "${namespaces[@]}" bash -ec '
    mount -t tmpfs hosts /run
    ip netns add probe
    ip netns exec probe true
    ip link add name switch type bridge
    iptables -A INPUT -j DROP' 2>&1) || skip "no network of our own on this machine: ${why//$'\n'/; }"
  # The script is then process 1 of its namespace; an environment alone could say so by mistake.
  PATH=$PATH:/usr/sbin:/sbin RANKWIRE_TEST_INSIDE=1 \
    exec unshare "${namespaces[@]}" bash "$0" "$@"
}

# skip WHY
skip() {
  echo "skipped: $*"
  exit "$skip_code"
}

set_up_network() {
  trap 'exit 130' INT TERM # process 1 of a namespace is deaf to what it does not trap
  mount -t tmpfs hosts /run
  echo "127.0.0.1 localhost" >/run/hosts
  mount --bind /run/hosts /etc/hosts
  ip link set lo up
  add_switch switch
  host_count=0
}

# add_switch NAME: what hosts are plugged into.
add_switch() {
  ip link add name "$1" type bridge
  ip link set "$1" up
}

# add_host NAME
add_host() {
  ip netns add "$1"
  ip -n "$1" link set lo up
}

# plug HOST ADDRESS [SWITCH]: gives it a port eth0 (or eth1, ...) with this address of a /24.
plug() {
  local host=$1 address=$2 switch=${3:-switch} port=0
  while ip -n "$host" link show "eth$port" &>/dev/null; do port=$((port + 1)); done
  ip link add name "$host-$port" type veth peer name "eth$port" netns "$host"
  ip link set "$host-$port" master "$switch" up
  ip -n "$host" address add "$address/24" dev "eth$port"
  ip -n "$host" link set "eth$port" up
}

# add_hosts NAME...: all on the switch, where each knows all names.
add_hosts() {
  local host
  for host; do
    host_count=$((host_count + 1))
    add_host "$host"
    plug "$host" "10.77.0.$host_count"
    echo "10.77.0.$host_count $host" >>/etc/hosts
  done
}

on() {
  local host=$1
  shift
  ip netns exec "$host" unshare --uts sh -c 'hostname "$0" && exec "$@"' "$host" "$@"
}

start_on() {
  local host=$1
  shift
  ip netns exec "$host" unshare --uts sh -c 'hostname "$0" && exec "$@"' "$host" "$@" &
}

# apart HOST HOST on|off: nothing passes between the two, either way.
apart() {
  local rule=(-s "$(address "$2")" -j DROP) action=-A
  [[ $3 == on ]] || action=-D
  on "$1" iptables "$action" INPUT "${rule[@]}"
  on "$1" iptables "$action" OUTPUT -d "$(address "$2")" -j DROP
}

address() { awk -v host="$1" '$2 == host { print $1 }' /etc/hosts; }

# unplug HOST SECONDS: its cable out, and in again.
unplug() {
  ip -n "$1" link set eth0 down
  sleep "$2"
  ip -n "$1" link set eth0 up
}

# no_calls HOST on|off: what begins a connection is swallowed there, either way; all else passes.
no_calls() {
  local action=-A chain
  [[ $2 == on ]] || action=-D
  for chain in INPUT OUTPUT; do on "$1" iptables "$action" "$chain" -p tcp --syn -j DROP; done
}

# reset_all HOST: ends its connections, at both ends.
reset_all() {
  local chain
  for chain in INPUT OUTPUT; do
    on "$1" iptables -A "$chain" -p tcp ! --syn -j REJECT --reject-with tcp-reset
  done
  sleep 1
  for chain in INPUT OUTPUT; do
    on "$1" iptables -D "$chain" -p tcp ! --syn -j REJECT --reject-with tcp-reset
  done
}
