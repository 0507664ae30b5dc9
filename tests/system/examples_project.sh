#!/usr/bin/env bash
# tests/system/examples_project.sh EXAMPLES BUILD: the folder EXAMPLES, copied elsewhere, is a project
# that builds against BUILD; each of its programs runs.
set -euo pipefail
examples=$(realpath "${1:?EXAMPLES}")
build=$(realpath "${2:?BUILD}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done

cp -r "$examples" "$work/copy"
cmake -S "$work/copy" -B "$work/build" -Drankwire_DIR="$build" -DCMAKE_BUILD_TYPE=Debug
cmake --build "$work/build"
ran=0
for source in "$examples"/*.cpp; do
  "$work/build/$(basename "$source" .cpp)" -n 4 </dev/null
  ran=$((ran + 1))
done
echo "$ran programs built and run"
((ran > 0))
