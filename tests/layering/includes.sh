#!/usr/bin/env bash
# tests/layering/includes.sh ROOT: who may include whom. The folders of the system's headers make
# it easy to break these rules unseen: a program can include zmq.h and still build.
#
# The rules between the large parts of the tree stand here. Those between the rooms of a house
# (backends/zmq, core/src, apps/compare) are the picture in docs/architecture.md, read from there:
# each include between two rooms is an arrow of it, each arrow has an include, and none go in a circle.
set -euo pipefail
export LC_ALL=C
cd "${1:?"includes.sh ROOT: the folder of the source tree is missing"}"
shopt -s extglob

picture=docs/architecture.md
declare -A arrows=() used=() rooms=()  # arrows[FROM TO]; rooms[FOLDER]
wrong=0
complain() {
  echo "$1"
  wrong=$((wrong + 1))
}

# Lines "folder -> room room ..." between "```rooms" and "```"; the rooms are of the same house.
read_picture() {
  local from to names
  while read -r from to names; do
    rooms[$from]=1
    for to in $names; do arrows[$from ${from%/*}/$to]=1; done
  done < <(sed -n '/^```rooms$/,/^```$/{/^```/d;p}' "$picture")
  ((${#rooms[@]} > 10)) || complain "$picture has no picture of the rooms"
}

# The functions that are called for every include answer in REPLY: a process for each takes long.

# The room that FILE stands in; nothing for a file that stands in none, as a house's main.cpp.
room_of() {
  REPLY=
  case ${1%/*} in
    backends/zmq/* | core/src/* | apps/compare/*) REPLY=${1%/*} ;;
  esac
}

# The file of this tree that `#include NAME` in FILE means; nothing for a system header.
resolve() {
  local file=$1 name=$2 folder
  for folder in "${file%/*}" core/include backends/include core/src backends/zmq backends/mpi apps/compare; do
    [[ -e $folder/$name ]] || continue
    REPLY=$folder/$name
    while [[ $REPLY =~ (^|/)[^/]+/\.\./ ]]; do REPLY=${REPLY/"${BASH_REMATCH[0]}"/"${BASH_REMATCH[1]}"}; done
    return
  done
  REPLY=
}

# Whether FILE may include the transport library's header NAME.
may_include_library() {
  case $2 in
    mpi.h) [[ $1 == @(backends/mpi/*|apps/compare/*/@(raw|baseline)_mpi*|tests/conformance/*mpi*) ]] ;;
    boost/mpi/* | boost/mpi.hpp) [[ $1 == apps/compare/*/@(raw|baseline)_mpi* ]] ;;
    zmq.h | zmq.hpp | zmq_addon.hpp)
      [[ $1 == @(backends/zmq/*|apps/compare/*/@(raw|baseline)_zmq*|apps/compare/crowd/*|tests/*) ]] ;;
    *) true ;;
  esac
}

# house_of FILE: the backend or program that it is of, "backends/zmq".
house_of() {
  local inside=${1#*/}
  REPLY=${1%%/*}/${inside%%/*}
}

# Whether both are of one house.
same_house() {
  local house
  house_of "$1"
  house=$REPLY
  house_of "$2"
  [[ $house == "$REPLY" ]]
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
      [[ $other == @(core/include/*|backends/include/rankwire/keys.hpp) ]] ||
        same_house "$other" "$file" ;;
    apps/compare/crowd/*)  # speaks the protocol of that backend, in place of its workers
      [[ $other == @(backends/zmq|core/include)/* ]] || same_house "$other" "$file" ;;
    apps/*/*)
      [[ $other == backends/include/* ]] || same_house "$other" "$file" ||
        [[ $other == core/include/* && $other != core/include/rankwire/backend/* ]] ;;
    examples/*) [[ $other == backends/include/rankwire/rankwire.hpp ]] ;;
    tests/fuzz/* | tests/unit/*zmq*) [[ $other != backends/mpi/* ]] ;;
    tests/unit/*mpi*) [[ $other != backends/@(inproc|zmq)/* ]] ;;
    tests/*) [[ $other != backends/@(inproc|mpi|zmq)/* ]] ;;
    *) false ;;
  esac
}

# Whether the picture has an arrow for it, where both stand in rooms of one house.
may_enter() {
  local from to
  room_of "$1"
  from=$REPLY
  room_of "$2"
  to=$REPLY
  [[ $from && $to && $from != "$to" && ${from%/*} == "${to%/*}" ]] || return 0
  used[$from $to]=1
  [[ ${arrows[$from $to]:-} ]]
}

check_rooms() {
  local folder arrow
  for folder in backends/zmq/*/ core/src/*/ apps/compare/*/; do
    [[ ${rooms[${folder%/}]:-} ]] || complain "$picture does not show the room ${folder%/}"
  done
  for folder in "${!rooms[@]}"; do
    [[ -d $folder ]] || complain "$picture shows $folder, which is no folder"
  done
  for arrow in "${!arrows[@]}"; do
    [[ ${used[$arrow]:-} ]] || complain "$picture: no include is the arrow ${arrow/ / -> }"
  done
  printf '%s\n' "${!arrows[@]}" | tsort >/dev/null || complain "$picture: rooms in a circle"
}

read_picture
looked_at=0
while IFS=: read -r file line text; do
  name=${text#*[<\"]}
  name=${name%%[>\"]*}
  looked_at=$((looked_at + 1))
  resolve "$file" "$name"
  other=$REPLY
  if [[ $other ]]; then
    may_include "$file" "$other" && may_enter "$file" "$other" && continue
    what="$other ($name)"
  else
    may_include_library "$file" "$name" && continue
    what=$name
  fi
  complain "$file:$line: may not include $what"
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]' --include='*.[ch]pp' \
  --include='*.[ch]' core backends apps examples tests)
check_rooms

echo "$looked_at includes, ${#arrows[@]} arrows between rooms; $wrong break the rules ($picture)"
((looked_at > 100)) || { echo "so few cannot be all: is $PWD the source tree?"; exit 1; }
((wrong == 0))
