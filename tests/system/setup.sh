#!/usr/bin/env bash
# tests/system/setup.sh ROOT: apps/run and tests/run (by cmake/setup.sh) say that they build when there
# is something to build, find folders that have come or gone, and are silent otherwise. And a folder
# that apps/run has made without tests has them once somebody configures it by its preset.
set -euo pipefail
source "${1:?"setup.sh ROOT"}/cmake/setup.sh"

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cat >"$folder/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(parts LANGUAGES NONE)
file(GLOB parts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/part)
add_custom_command(OUTPUT whole COMMAND cat ${parts} > whole DEPENDS ${parts})
add_custom_target(everything ALL DEPENDS whole)
END

# builds CONTENT: it says so, and this is then the content of the file.
builds() {
  local said
  said=$(build "$folder/build" all 2>&1)
  [[ $said == *"building in $folder/build"* ]] || fail "silent, although it had to make $1: $said"
  [[ $(<"$folder/build/whole") == "$1" ]] || fail "made $(<"$folder/build/whole") and not $1"
}

is_silent() {
  local said
  said=$(build "$folder/build" all 2>&1)
  [[ -z $said ]] || fail "nothing to do, and it says: $said"
}

mkdir "$folder"/{a,b}
echo -n 1 >"$folder/a/part"
cmake -S "$folder" -B "$folder/build" -G Ninja >/dev/null
builds 1
is_silent
echo -n 2 >"$folder/b/part" # a new folder's
builds 12
is_silent
echo -n 3 >"$folder/a/part"
builds 32
is_silent
rm "$folder/b/part"
builds 3
is_silent
echo broken >>"$folder/CMakeLists.txt"
! said=$(build "$folder/build" all 2>&1) || fail "a build that cannot be configured is no error: $said"
[[ $said == *"building in"*"CMake Error at CMakeLists.txt:7"* ]] || fail "what is wrong with the build is not said: $said"

said=$(cd "$root" && cmake --preset release -B "$folder/release" -N)
[[ $said == *'RANKWIRE_TESTS:BOOL="ON"'* ]] || fail "the preset release does not say RANKWIRE_TESTS: $said"
