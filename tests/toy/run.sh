#!/usr/bin/env bash
# tests/toy/run.sh SOURCE BUILD CASES DOCTEST: takes the backend out of docs/backends.md as it is
# printed, puts it into a copy of backends/, builds that against the core of BUILD, and runs a program
# and the conformance suite on it. CASES are the object files of the suite, DOCTEST its library.
#
# A comment before a block of the page says what the block is:
#   <!-- file: NAME -->   the content of a file of the tree
#   <!-- line: NAME -->   the last line of the list in that file, which has one to follow
set -euo pipefail
export LC_ALL=C
source=$(realpath "${1:?SOURCE}")
build=$(realpath "${2:?BUILD}")
cases=${3:?CASES}
doctest=$(realpath "${4:?DOCTEST}")
page=$source/docs/backends.md

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done

fail() {
  echo "FAILED: $*"
  exit 1
}

# quietly COMMAND: its output only where it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "$*"
  }
}

# block MARKER: the block of the page behind this comment.
block() {
  awk -v marker="<!-- $1 -->" '
    $0 == marker { wanted = 1; next }
    wanted && /^```/ { if (inside) exit; inside = 1; next }
    inside' "$page"
}

# Where each file would stand in the tree, and nothing but the list is changed.
cp -r "$source/tests/toy/project" "$work/tree"
cp -r "$source/backends" "$work/tree/backends"
count=0
while read -r file; do
  mkdir -p "$work/tree/${file%/*}"
  block "file: $file" >"$work/tree/$file"
  [[ -s $work/tree/$file ]] || fail "$file is empty in $page"
  count=$((count + 1))
done < <(sed -n 's/^<!-- file: \(.*\) -->$/\1/p' "$page")
((count == 3)) || fail "$page has $count files, not the three of a backend"
line=$(block 'line: backends/backends.cpp')
list=$work/tree/backends/backends.cpp
# Behind the last line of the list, which then goes on.
sed -i "s/^  BACKEND(zmq)\$/  BACKEND(zmq) \\\\\\n$line/" "$list"
grep -qF "$line" "$list" || fail "the list in backends/backends.cpp is not as this test knows it"

quietly cmake -S "$work/tree" -B "$work/build" -DCMAKE_BUILD_TYPE=None -DRANKWIRE_WERROR=ON \
  -DSOURCE="$source" -DBUILD="$build" -DCASES="$cases" -DDOCTEST="$doctest"
quietly cmake --build "$work/build" --parallel

program=$work/build/bin/program
# expect OUTPUT ARGUMENT...
expect() {
  local expected=$1 actual
  shift
  actual=$("$program" "$@" 2>&1) || true
  [[ $actual == *"$expected"* ]] || fail "$* printed '$actual', not '$expected'"
}
expect "toy: 0 1 4" --transport toy -n 3
expect "toy: 0 1 4 9" --toy
RANKWIRE_TOY=true expect "toy: 0 1" -n 2
expect "inproc: 0 1" -n 2
expect "--toy (command line) contradicts --transport (command line)" --toy --transport inproc
expect "inproc, mpi, zmq or toy" --help
expect "when not said: toy with --toy, zmq with --listen" --help
expect "did you mean --toy?" --tyo

for ranks in 1 2 4; do
  quietly timeout 60 "$work/build/bin/conformance_toy" --ranks=$ranks
done
echo "the backend of docs/backends.md is chosen in four ways, and keeps the contract"
