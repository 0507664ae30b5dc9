#!/usr/bin/env bash
# tests/network/compare_hosts.sh BUILD TRANSPORT...: compare between two hosts, over zmq, and over mpi
# where that is one of the transports: what it measures, and that its baselines reach each other.
set -euo pipefail
export LC_ALL=C
source "$(dirname "$(readlink -f "$0")")/../support/hosts.sh"
enter_network "$@"
build=$(realpath "${1:?BUILD}")
shift
compare=$build/bin/compare
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done
add_hosts alpha beta

fail() {
  echo "FAILED: $*"
  tail -n 50 -- *.out *.err
  exit 1
}

# expect FILE TEXT...: each is in the file.
expect() {
  local file=$1 text
  shift
  for text; do grep -qE -- "$text" "$file" || fail "'$text' is not in $file"; done
}

case_zmq() {
  start_on beta timeout 120 "$compare" --join tcp://alpha:5555 --insecure --quick >join.out 2>join.err
  local join=$!
  on alpha timeout 120 "$compare" --listen tcp://alpha:5555 -n 2 --insecure --quick --json zmq.json \
    >zmq.out 2>zmq.err || fail "rank 0 over zmq: code $?"
  wait "$join" || fail "rank 1 over zmq: code $?"
  expect zmq.out '^alpha, beta: ' '^zmq +8 B .* socket [0-9.]+$' '^zmq +16 MiB ' \
    '^raw of zmq: libzmq' '^socket of zmq: a TCP socket'
  expect zmq.json '"alpha"' '"beta"'
}

# Links with keys have no baselines beside them, which would be open.
case_keys() {
  "$build/bin/rankwire" keygen master
  "$build/bin/rankwire" keygen beta
  mkdir allowed
  cp beta.key allowed/
  start_on beta timeout 120 "$compare" --join tcp://alpha:5556 --key beta.key_secret \
    --server-key master.key --quick latency >join.out 2>join.err
  local join=$!
  on alpha timeout 120 "$compare" --listen tcp://alpha:5556 -n 2 --key master.key_secret \
    --allow allowed --quick latency >keys.out 2>keys.err || fail "rank 0 with keys: code $?"
  wait "$join" || fail "rank 1 with keys: code $?"
  # One lost turn of a busy core, and the p99 is in ms.
  expect keys.out '^zmq +8 B +[0-9.]+ [mu]?s +[0-9.]+ [mu]?s$' \
    '^left out: baselines: links have keys'
}

# mpiexec reaches a host through a program that is called as ssh is.
case_mpi() {
  cat >agent <<'END'
#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c 'hostname "$0" && exec sh -c "$*"' "$host" "$@"
END
  chmod +x agent
  printf 'alpha slots=1\nbeta slots=1\n' >hosts
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  on alpha timeout 120 mpiexec --hostfile hosts -n 2 --mca plm_rsh_agent "$work/agent" \
    --mca pml ob1 --mca btl self,tcp "$compare" --quick >mpi.out 2>mpi.err ||
    fail "mpiexec: code $?"
  expect mpi.out '^alpha, beta: ' '^mpi +8 B .* (boost|socket) [0-9.]+$' '^mpi +16 MiB ' \
    '^raw of mpi: MPI_Send' '^socket of mpi: a TCP socket'
}

for transport; do
  "case_$transport"
  echo "compare between two hosts over $transport: as it should be"
done
