# Sourced by between_hosts.sh: a world of three ranks on several hosts, each of which sends checked
# messages to every other one (network_stream), in a folder of its own. Rank 0 is on host alpha, 1 on
# beta, 2 on gamma. The sourcing script has said `build`, the build folder, and `name`, for errors.

program=$build/bin/network_stream

# A cable that is drawn for 2 s may be so for longer: all namespaces of a machine share a lock.
grace_s=6
patience_s=40 # for what comes at last also on a busy machine
port=5555     # of a host of our own: nobody else has it
worker_options=()
declare -A security=() # of a rank; --insecure unless said
declare -A process=([0]='' [1]='' [2]='') code=()
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done

fail() {
  echo "FAILED: $name: $*"
  tail -n 50 rank-* || true
  exit 1
}

# start RANK HOST OPTION...
start() {
  local rank=$1 host=$2 words
  shift 2
  read -ra words <<<"${security[$rank]:---insecure}"
  start_on "$host" "$program" "${words[@]}" --grace "${grace_s}s" --linger 20s "$@" \
    >"rank-$rank.out" 2>"rank-$rank.err"
  process[$rank]=$!
}

# start_world SECONDS [OPTION...]: all three, streaming for so long; returns when they do.
start_world() {
  local seconds=$1
  shift
  start 0 alpha --listen "tcp://alpha:$port" -n 3 --seconds "$seconds" "$@"
  start 1 beta --join "tcp://alpha:$port" --rank 1 --seconds "$seconds" "$@" "${worker_options[@]}"
  start 2 gamma --join "tcp://alpha:$port" --rank 2 --seconds "$seconds" "$@" "${worker_options[@]}"
  for rank in 0 1 2; do wait_for "$rank" "rank $rank: streams"; done
  sleep 1
}

# wait_for RANK TEXT [SECONDS]: until the rank has printed this to stdout or stderr.
wait_for() {
  local rank=$1 text=$2 seconds=${3:-$patience_s} until
  until=$((SECONDS + seconds))
  until grep -qsF -- "$text" "rank-$rank.out" "rank-$rank.err"; do
    ((SECONDS < until)) || fail "rank $rank did not say '$text' within $seconds s"
    sleep 0.05
  done
}

# finish RANK...: waits for their ends and notes their exit codes.
finish() {
  local rank until=$((SECONDS + patience_s))
  for rank; do
    while kill -0 "${process[$rank]}" 2>/dev/null; do
      ((SECONDS < until)) || fail "rank $rank did not end within $patience_s s"
      sleep 0.05
    done
    code[$rank]=0
    wait "${process[$rank]}" || code[$rank]=$?
  done
}

# expect_all RANK...: these got everything of each other.
expect_all() {
  local rank other
  for rank; do
    for other; do
      [[ $rank == "$other" ]] || grep -q "messages from rank $other, once and in order" \
        "rank-$rank.out" || fail "rank $rank did not get all messages of rank $other"
    done
  done
}

# finish_whole: nothing was lost, nobody noticed anything.
finish_whole() {
  finish 0 1 2
  expect_all 0 1 2
  [[ ${code[*]} == "0 0 0" ]] || fail "exit codes ${code[*]}"
}

expect_relay() {
  grep -qi relay rank-0.err rank-1.err rank-2.err || fail "no log says that ranks are relayed"
}

# give_keys: to the ranks 0, 1 and 2.
give_keys() {
  local name
  mkdir allowed
  for name in alpha beta gamma; do "$build/bin/rankwire" keygen "$name"; done >/dev/null
  cp beta.key gamma.key allowed/
  security=([0]="--key alpha.key_secret --allow allowed"
    [1]="--key beta.key_secret --server-key alpha.key"
    [2]="--key gamma.key_secret --server-key alpha.key")
}

# expect_direct RANK...: these are not relayed, or no more.
expect_direct() {
  local rank last until=$((SECONDS + patience_s))
  sleep 3 # after 2 s the master relays
  for rank; do
    while last=$(grep -oE 'master relays|directly again' "rank-$rank.err" | tail -n 1) &&
      [[ $last == "master relays" ]]; do
      ((SECONDS < until)) || fail "rank $rank is relayed all the time"
      sleep 0.05
    done
  done
}
