#!/usr/bin/env bash
# tests/readme/run.sh README BUILD WITH: does what the README says, with its own text. BUILD is the
# build folder, WITH the transports that were built ("inproc mpi zmq").
#
# A comment before a block of the README says what the block is:
#   <!-- file: NAME -->              the content of a file
#   <!-- do -->                      commands (after "$ ") that must succeed
#   <!-- run [mpi] [zmq] [stderr] -->  commands and what they print, byte for byte; left out where
#                                    that transport is not built; with stderr or without
# Blocks for several hosts (<!-- do hosts -->, <!-- run hosts -->) are done by hosts.sh, that about
# what is installed (<!-- do install -->) by tests/install/run.sh.
set -euo pipefail
export LC_ALL=C
readme=$(realpath "${1:?README}")
build=$(realpath "${2:?BUILD}")
with=" ${3:?WITH} "
limit_s=120

# The working folder looks as the tree does to its user. Commands stand as they are; what only a
# test needs is said by the environment.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$build" build
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1

failed=0
done_blocks=0
fail() {
  echo "FAILED, line $1 of the README: $2"
  failed=$((failed + 1))
}

# A port that nobody listens on, for the 5555 of the README.
free_port() {
  local port
  while port=$((20000 + RANDOM % 10000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# Names and numbers that differ from run to run become the README's.
as_in_readme() {
  sed -E "s/\b$(uname -n | sed 's/\./\\./g')\b/node1/g; s/pid [0-9]+/pid 4711/g; s/:$1\b/:5555/g"
}

# run_commands COMMANDS: all in one shell, as at a terminal; those in the background are waited for.
run_commands() {
  timeout --kill-after=5 "$limit_s" bash -c "$1"$'\nwait'
}

# take_block LINE MARKER TEXT
take_block() {
  local line=$1 kind=$2 text=$3 word port commands expected actual
  case $kind in
    file:*)
      word=${kind#file: }
      mkdir -p "$(dirname "$word")"
      printf '%s\n' "$text" >"$word"
      ;;
    "do hosts" | "run hosts" | "do install") return 0 ;;
    do)
      commands=$(sed -n 's/^\$ //p' <<<"$text")
      run_commands "set -e"$'\n'"$commands" >log 2>&1 || {
        cat log
        fail "$line" "$commands"
      }
      ;;
    run*)
      for word in ${kind#run}; do
        [[ $word == stderr || $with == *" $word "* ]] || {
          echo "skipped, built without $word: line $line of the README"
          return 0
        }
      done
      port=$(free_port)
      commands=$(sed -n 's/^\$ //p' <<<"$text" | sed "s/:5555/:$port/g")
      expected=$(sed '/^\$ /d' <<<"$text")
      if [[ $kind == *stderr* ]]; then
        actual=$(run_commands "$commands" 2>&1 | as_in_readme "$port") || true
      else
        actual=$(run_commands "$commands" 2>log | as_in_readme "$port") || true
      fi
      # Through $(), which drops empty lines at the end, of both.
      if [[ $actual != "$expected" ]]; then
        diff <(echo "$expected") <(echo "$actual") || true
        cat log 2>/dev/null || true
        fail "$line" "the output of: $commands (< is what the README says)"
      fi
      ;;
    *) fail "$line" "what is a block of '$kind'?" ;;
  esac
  done_blocks=$((done_blocks + 1))
}

take_blocks() {
  local number=0 start=0 marker='' inside='' text='' line
  while IFS= read -r line <&3; do
    number=$((number + 1))
    if [[ $inside ]]; then
      if [[ $line == '```' ]]; then
        take_block "$start" "$marker" "${text%$'\n'}" </dev/null
        inside='' marker=''
      else
        text+=$line$'\n'
      fi
    elif [[ $line =~ ^\<!--\ (.*)\ --\>$ ]]; then
      marker=${BASH_REMATCH[1]} start=$number
    elif [[ $marker && $line == '```'* ]]; then
      inside=1 text=''
    fi
  done 3<"$readme"
}

# The rows of the option tables up to the default, as --help has them.
options_of_help() {
  sed -nE 's/^  (-.,)?--([a-z-]+)( ([A-Z][A-Z:]*(\{[^}]*\})?)(=([^ ]+))?)?( .*)?$/\2|\4|\7/p' |
    while IFS='|' read -r name type value; do
      [[ $name != @(help|version) ]] || continue
      variable=RANKWIRE_$(tr 'a-z-' 'A-Z_' <<<"$name")
      key="\`$name\` "
      [[ $name != config ]] || key=
      echo "| \`--$name${type:+ $type}\` | \`$variable\` | $key| ${value:+$value }|"
    done | sort
}

check_options() {
  local help table
  help=$("$build/bin/product" --help | options_of_help)
  table=$(sed -nE 's/^(\| `--[^|]*\|[^|]*\|[^|]*\|[^|]*\|).*/\1/p' "$readme" | sort)
  [[ $(wc -l <<<"$help") -gt 10 ]] || fail "?" "--help has hardly an option"
  diff <(echo "$table") <(echo "$help") || fail "?" "the option tables (<) are not what --help has (>)"
}

take_blocks
check_options
echo "$done_blocks blocks of the README done, $failed failures"
((done_blocks >= 6)) || fail "?" "so few blocks cannot be all"
((failed == 0))
