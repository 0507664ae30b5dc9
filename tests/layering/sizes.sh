#!/usr/bin/env bash
# tests/layering/sizes.sh ROOT: a source file has one subject, and at most 400 lines; so has a script.
set -euo pipefail
export LC_ALL=C
cd "${1:?"sizes.sh ROOT: the folder of the source tree is missing"}"

lines_max=400
folders=(apps backends core examples tests cmake .ci)
sizes=$(find "${folders[@]}" -type f \( -name '*.[ch]pp' -o -name '*.sh' -o -name run \) -exec wc -l {} + |
  grep -v ' total$')
long=$(awk -v most=$lines_max '$1 > most' <<<"$sizes")
[[ -z $long ]] || echo "$long"
echo "$(wc -l <<<"$sizes") files, of which $(grep -c . <<<"$long" || true) have more than $lines_max lines"
(($(wc -l <<<"$sizes") > 100)) || { echo "so few cannot be all: is $PWD the source tree?"; exit 1; }
[[ -z $long ]]
