#!/usr/bin/env bash
# tests/network/mpi_hosts.sh BUILD CASE: a world over MPI whose ranks are on three hosts, under
# `mpiexec --enable-recovery`. CASE is one of mpi_silence's. No kernel tells of another host: each has
# process numbers of its own.
set -euo pipefail
export LC_ALL=C
source "$(dirname "$(readlink -f "$0")")/../support/hosts.sh"
enter_network "$@"
silence=$(realpath "${1:?BUILD}")/bin/mpi_silence
name=${2:?CASE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done
add_hosts alpha beta gamma

# mpiexec reaches a host through a program that is called as ssh is.
cat >agent <<'END_OF_AGENT'
#!/bin/sh
host=$1
shift
exec ip netns exec "$host" unshare --uts --pid --fork --kill-child --mount-proc \
  sh -c 'hostname "$0" && sh -c "$*"' "$host" "$@"
END_OF_AGENT
chmod +x agent
mkdir s # not in /tmp, where hosts of other runs have the same names and process numbers
printf '%s slots=1\n' alpha beta gamma >hosts
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
start_on alpha timeout 100 mpiexec --enable-recovery --hostfile hosts -n 3 \
  --mca plm_rsh_agent "$work/agent" --mca orte_tmpdir_base "$work/s" --mca pml ob1 --mca btl self,tcp "$silence" "$name" >out 2>err
world=$!

# wait_for TEXT: until the ranks have said it.
wait_for() {
  local end=$((SECONDS + 90))
  until grep -q "$1" out err; do
    if ((SECONDS > end)) || ! kill -0 "$world"; then
      echo "FAILED: nobody said '$1'"
      cat out err
      exit 1
    fi
    sleep 0.1
  done
}

declare -A content=([kill-far]="both went on" [stop]="both went on" [cut]="both went on"
  [master]="all lost the world" [compute]="nobody was lost")
if [[ $name == cut ]]; then
  wait_for "mpi_silence: cut here"
  ip -n gamma link set eth0 down
fi
[[ $name != stop ]] || wait_for "mpi_silence: rank 2 was told"
wait_for "mpi_silence: ${content[$name]:?no such case}"
echo "$name: as it should be"
