#!/usr/bin/env bash
# tests/unit/refused.sh COMPILER ROOT: what cannot be sent is refused at compile time, by one message
# that says what is missing, in few lines.
set -euo pipefail
compiler=${1:?"refused.sh COMPILER ROOT"}
root=${2:?"refused.sh COMPILER ROOT"}
lines_max=60

# What GCC finds in place of the header is compiled once, not for each case; Clang passes it by.
compiled=$(mktemp -d)
trap 'rm -r "$compiled"' EXIT
mkdir "$compiled/rankwire"
"$compiler" -std=c++20 -w -I "$root/core/include" -x c++-header \
  "$root/core/include/rankwire/typed.hpp" -o "$compiled/rankwire/typed.hpp.gch"

compile() {
  LC_ALL=C "$compiler" -std=c++20 -fsyntax-only -I "$compiled" -I "$root/core/include" -DCASE="$1" \
    "$root/tests/unit/refused.cpp" 2>&1
}

wrong=0
# refused CASE WORDS...
refused() {
  local said messages lines word
  if said=$(compile "$1"); then
    echo "case $1 compiles, and should not"
    wrong=$((wrong + 1))
    return
  fi
  messages=$(grep -cE 'static assertion failed|static_assert failed' <<<"$said" || true)
  lines=$(wc -l <<<"$said")
  for word in "${@:2}"; do
    ((messages != 1 || lines > lines_max)) || ! grep -qF "$word" <<<"$said" || continue
    printf '%s\n' "$said"
    echo "case $1: $messages messages in $lines lines; one is to say: $word"
    wrong=$((wrong + 1))
    break
  done
}

compile 0 || { echo "what can be sent does not compile"; exit 1; }
refused 1 'void serialize(Archive& archive)'
refused 2 'void serialize(Archive& archive)'
refused 3 'a smart pointer to a polymorphic class'
refused 4 'a smart pointer to a polymorphic class'
refused 5 'a pointer: it means nothing to another process'
refused 6 'differ between machines'
refused 7 'a default constructor'
refused 8 'void serialize(Archive& archive)'
refused 9 'a pointer: it means nothing to another process'
refused 10 'serialize must not be const' 'ConstMember::serialize('
refused 11 'how it compares or hashes is chosen at run time' 'set<int,'
refused 12 'how it compares or hashes is chosen at run time' 'multimap<int, int, By'
refused 13 'how it compares or hashes is chosen at run time' 'unordered_multiset<int, By'
refused 14 'how it compares or hashes is chosen at run time'
refused 15 'how it compares or hashes is chosen at run time' 'set<int, By'
refused 16 'a pointer: it means nothing to another process' 'priority_queue<int'
refused 17 'a smart pointer to an array' 'unique_ptr<int'
refused 18 'a smart pointer to an array' 'shared_ptr<int'
refused 19 'a smart pointer to an array or to void' 'shared_ptr<void'
refused 20 'must be given its deleter' 'Deleter'
refused 21 'must be given its deleter'
refused 22 'cannot be moved into it' 'atomic<int>'
refused 23 'cannot be moved into it' 'Fixed'
refused 24 'cannot be moved into it' 'tuple<int, Fixed'
refused 25 'make it movable' 'tuple<int, Fixed'
refused 26 'make it movable' 'variant<int,'
refused 27 'a default constructor'
refused 28 'make it movable'
refused 29 'make it movable' 'Fixed'
echo "$wrong wrong"
((wrong == 0))
