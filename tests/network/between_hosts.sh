#!/usr/bin/env bash
# tests/network/between_hosts.sh BUILD CASE: a world whose ranks are on several hosts, with a network
# between them that breaks. BUILD is the build folder, CASE the name of a function case_CASE below.
# Each of them does its damage while the ranks stream (stream_world.sh).
set -euo pipefail
export LC_ALL=C
here=$(dirname "$(readlink -f "$0")")
source "$here/../support/hosts.sh"
enter_network "$@"
build=$(realpath "${1:?BUILD}")
name=${2:?CASE}
source "$here/stream_world.sh"

case_plain() {
  add_hosts alpha beta gamma
  start_world 3
  finish_whole
}

# Two workers on one host, the master on another.
case_two_hosts() {
  add_hosts alpha gamma
  start 0 alpha --listen "tcp://alpha:$port" -n 3 --seconds 3
  start 1 gamma --join "tcp://alpha:$port" --rank 1 --seconds 3
  start 2 gamma --join "tcp://alpha:$port" --rank 2 --seconds 3
  finish_whole
}

# Who dials gamma gets no answer; gamma can dial anybody.
case_one_way() {
  add_hosts alpha beta gamma
  on gamma iptables -A INPUT -p tcp --syn -j DROP
  start_world 3
  finish_whole
  expect_relay
}

# Gamma is behind a router that hides it: its address means nothing to the others.
case_nat() {
  add_hosts alpha beta router
  add_nat router gamma inside
  start_world 3
  finish_whole
  expect_relay
}

# add_nat ROUTER HOST SWITCH: a host with address 10.78.0.2 behind a router that masquerades.
add_nat() {
  add_switch "$3"
  plug "$1" 10.78.0.1 "$3"
  add_behind "$2" 10.78.0.2 "$3"
  on "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  on "$1" iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
}

add_behind() {
  add_host "$1"
  plug "$1" "$2" "$3"
  ip -n "$1" route add default via 10.78.0.1
}

# The cable of a worker, twice.
case_link_down() {
  add_hosts alpha beta gamma
  start_world 9
  for _ in 1 2; do
    unplug gamma 1.5
    sleep 3 # libzmq may wait for 2 s before it dials again
  done
  finish_whole
}

# The master's cable.
case_master_down() {
  add_hosts alpha beta gamma
  start_world 5
  unplug alpha 2
  finish_whole
}

# Nothing passes between the workers for a while; both reach the master.
case_worker_link() {
  add_hosts alpha beta gamma
  start_world 6
  for _ in 1 2; do
    apart beta gamma on
    sleep 1.5
    apart beta gamma off
    sleep 1
  done
  finish_whole
}

# The same for longer than the grace. Whatever comes of it, the two agree; the others go on.
case_worker_link_too_long() {
  add_hosts alpha beta gamma
  start_world 12
  apart beta gamma on
  sleep 7
  apart beta gamma off
  finish 0 1 2
  expect_all 0 1
  expect_all 0 2
  if grep -q "lost rank" rank-*.out; then
    for rank in 1 2; do
      grep -q "rank $rank: lost rank $((3 - rank)): " "rank-$rank.out" ||
        fail "one of two workers lost the other, and not both"
    done
  else
    expect_all 1 2
  fi
}

# A rank that leaves its channel alone for longer than the grace, and its cable out meanwhile.
case_computing() {
  add_hosts alpha beta gamma
  start_world 5 --compute 9 --compute-rank 2
  wait_for 2 "computes"
  unplug gamma 2
  finish_whole
}

# Two workers that reach each other directly, then not, then directly, and so on; one of them takes
# note of nothing meanwhile, and finds all of it at once.
case_to_and_fro() {
  add_hosts alpha beta gamma
  start_world 10 --compute 9 --compute-rank 2 --pause-ms 5
  wait_for 2 "computes"
  for _ in 1 2 3; do
    apart beta gamma on
    sleep 2.6 # after 2 s the master relays
    apart beta gamma off
    sleep 0.6
  done
  finish_whole
}

# What the master was to relay waits there until the two workers have long reached each other again.
case_late_relay() {
  add_hosts alpha beta gamma
  start_world 11 --compute 7 --compute-rank 0
  wait_for 0 "computes"
  apart beta gamma on
  wait_for 1 "relays"
  apart beta gamma off
  wait_for 1 "directly again"
  finish_whole
}

# Two networks behind routers of their own that use the same addresses, and so the same port: each
# worker finds itself where the other is said to be.
case_nat_twins() {
  add_hosts alpha router1 router2
  add_nat router1 beta inside1
  add_nat router2 gamma inside2
  worker_options=(--port-range 6000:6000)
  start_world 3
  finish_whole
  expect_relay
}

# The same with keys, which each worker does not have for itself: no handshake comes about.
case_nat_twins_keys() {
  give_keys
  case_nat_twins
}

# The same, and where one worker looks for another it finds a third.
case_nat_mixed_up() {
  add_hosts alpha router1 router2
  add_nat router1 delta inside1
  add_behind beta 10.78.0.3 inside1
  add_nat router2 gamma inside2
  start 0 alpha --listen "tcp://alpha:$port" -n 4 --seconds 3
  local rank=1 host
  for host in beta gamma delta; do
    start "$rank" "$host" --join "tcp://alpha:$port" --rank "$rank" --seconds 3 \
      --port-range 6000:6000
    rank=$((rank + 1))
  done
  finish 0 1 2 3
  expect_all 0 1 2 3
  expect_relay
}

# Routes that swallow, at the worker towards the master and at the master towards the worker.
case_blackhole() {
  add_hosts alpha beta gamma
  start_world 6
  ip -n gamma route add blackhole "$(address alpha)/32"
  sleep 1.5
  ip -n gamma route del blackhole "$(address alpha)/32"
  sleep 1
  ip -n alpha route add blackhole "$(address gamma)/32"
  sleep 1.5
  ip -n alpha route del blackhole "$(address gamma)/32"
  finish_whole
}

# A worker's host is out of reach for longer than the grace: it is lost to the others, they to it,
# and the others go on. When it can be reached again that stays so.
case_too_long() {
  add_hosts alpha beta gamma
  start_world 12
  ip -n gamma link set eth0 down
  for rank in 0 1; do wait_for "$rank" "rank $rank: lost rank 2: "; done
  wait_for 2 "lost rank 0: "
  ip -n gamma link set eth0 up
  finish 0 1 2
  expect_all 0 1
  [[ ${code[*]} == "3 3 3" ]] || fail "exit codes ${code[*]}"
}

# The host of a worker gets another address.
case_address() {
  add_hosts alpha beta gamma
  start_world 6
  ip -n gamma address add 10.77.0.33/24 dev eth0
  ip -n gamma address del 10.77.0.3/24 dev eth0
  # The kernel drops what else had the first address's network.
  ip -n gamma address show dev eth0 | grep -q 10.77.0.33 ||
    ip -n gamma address add 10.77.0.33/24 dev eth0
  finish_whole
}

# Workers that cannot reach each other at all, in a network that swallows and in one that refuses.
case_apart() {
  add_hosts alpha beta gamma
  apart beta gamma on
  start_world 3
  finish_whole
  expect_relay
}
case_refused() {
  add_hosts alpha beta gamma
  on beta iptables -A INPUT -p tcp --syn -s "$(address gamma)" -j REJECT
  on gamma iptables -A INPUT -p tcp --syn -s "$(address beta)" -j REJECT
  start_world 3
  finish_whole
  expect_relay
}

# Of what a worker sends to the other only small packets arrive: handshakes and PINGs, and no more.
case_small_only() {
  add_hosts alpha beta gamma
  on gamma iptables -A INPUT -p tcp -s "$(address beta)" -m length --length 600:65535 -j DROP
  start_world 12
  finish_whole
  expect_relay
}

# No connection can be made, and none is refused: for less than the grace.
case_no_calls() {
  add_hosts alpha beta gamma
  start_world 9
  no_calls gamma on
  reset_all gamma
  sleep 2
  no_calls gamma off
  finish_whole
}

# The same until the rank is lost, which takes the grace, and 1.5 s to dial again. Twice that and 2 s
# more is for a busy machine.
case_no_calls_too_long() {
  add_hosts alpha beta gamma
  start_world 12
  no_calls gamma on
  local since=$SECONDS within=$((2 * grace_s + 5))
  reset_all gamma
  for rank in 0 1; do
    wait_for "$rank" "rank $rank: lost rank 2: " "$((since + within - SECONDS))"
  done
  wait_for 2 "rank 2: lost rank 0: " "$((since + within - SECONDS))"
  ((SECONDS - since >= grace_s)) || fail "lost within less than the grace"
  no_calls gamma off
  finish 0 1 2
  expect_all 0 1
  [[ ${code[*]} == "3 3 3" ]] || fail "exit codes ${code[*]}"
}

# With keys: a worker's cable and the way between the workers break, and all handshakes are done
# again with keys.
case_keys() {
  add_hosts alpha beta gamma
  give_keys
  start_world 12
  expect_direct 1 2
  apart beta gamma on
  sleep 1.5
  apart beta gamma off
  sleep 1
  unplug gamma 1.5
  finish_whole
}

# A process that is gone is not waited for: its host says so. The promise is 2 s; the bound here is
# a quarter of the grace, for a busy machine.
case_killed() {
  grace_s=60
  add_hosts alpha beta gamma
  start_world 8
  kill -KILL "${process[2]}"
  for rank in 0 1; do wait_for "$rank" "rank $rank: lost rank 2: " 15; done
  finish 0 1
  expect_all 0 1
  [[ ${code[0]} == 3 && ${code[1]} == 3 ]] || fail "exit codes ${code[*]}"
}

[[ $(type -t "case_$name") == function ]] || fail "no such case"
"case_$name"
echo "$name: as it should be"
