#!/usr/bin/env bash
# tests/layering/includes.sh ROOT: who may include whom. The folders of the system's headers make
# it easy to break these rules unseen: a program can include zmq.h and still build.
set -euo pipefail
export LC_ALL=C
cd "${1:?"includes.sh ROOT: the folder of the source tree is missing"}"

# The file of this tree that `#include NAME` in FILE means; nothing for a system header.
resolve() {
  local file=$1 name=$2 folder
  for folder in "${file%/*}" core/include backends/include core/src backends/zmq backends/mpi; do
    [[ -e $folder/$name ]] || continue
    realpath --relative-to=. "$folder/$name"
    return
  done
}

# Whether FILE may include the transport library's header NAME.
may_include_library() {
  case $2 in
    mpi.h) [[ $1 == @(backends/mpi/*|apps/compare/@(raw|baseline)_mpi*|tests/conformance/*mpi*) ]] ;;
    boost/mpi/* | boost/mpi.hpp) [[ $1 == apps/compare/@(raw|baseline)_mpi* ]] ;;
    zmq.h | zmq.hpp | zmq_addon.hpp)
      [[ $1 == @(backends/zmq/*|apps/compare/@(raw|baseline)_zmq*|tests/*) ]] ;;
    *) true ;;
  esac
}

# Whether FILE may include OTHER; both are of this tree.
may_include() {
  local file=$1 other=$2
  case $file in
    core/include/*) [[ $other == core/include/* ]] ;;
    core/*) [[ $other == core/* ]] ;;
    backends/include/* | backends/backends.cpp)
      [[ $other == @(backends/include|core/include)/* ]] ;;
    backends/*/*)
      [[ $other == core/include/* || ${other%/*} == "${file%/*}" ]] ;;
    apps/*/*)
      [[ $other == backends/include/* || ${other%/*} == "${file%/*}" ]] ||
        [[ $other == core/include/* && $other != core/include/rankwire/backend/* ]] ;;
    examples/*) [[ $other == backends/include/rankwire/rankwire.hpp ]] ;;
    tests/fuzz/* | tests/unit/*zmq*) [[ $other != backends/mpi/* ]] ;;
    tests/*) [[ $other != backends/@(inproc|mpi|zmq)/* ]] ;;
    *) false ;;
  esac
}

shopt -s extglob
looked_at=0
wrong=0
while IFS=: read -r file line text; do
  name=${text#*[<\"]}
  name=${name%%[>\"]*}
  looked_at=$((looked_at + 1))
  other=$(resolve "$file" "$name")
  if [[ $other ]]; then
    may_include "$file" "$other" && continue
    what="$other ($name)"
  else
    may_include_library "$file" "$name" && continue
    what=$name
  fi
  echo "$file:$line: may not include $what"
  wrong=$((wrong + 1))
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' --include='*.[ch]pp' \
  --include='*.[ch]' core backends apps examples tests)

echo "$looked_at includes, $wrong that break the rules (README, \"Folders\")"
((looked_at > 100)) || { echo "so few cannot be all: is $PWD the source tree?"; exit 1; }
((wrong == 0))
