#!/usr/bin/env bash
# tests/layering/clauses.sh CHANNEL_HPP PROGRAM: every clause of the contract has a test case whose
# name begins with its number. PROGRAM is a conformance program.
set -euo pipefail
header=${1:?"clauses.sh CHANNEL_HPP PROGRAM"}
program=${2:?"clauses.sh CHANNEL_HPP PROGRAM"}

clauses=$(sed -nE 's|^/// +([0-9]+)\. .*|\1|p' "$header")
cases=$("$program" --list-test-cases --no-colors)

count=$(wc -w <<<"$clauses")
if [[ $(echo $clauses) != "$(echo $(seq 1 "$count"))" ]] || ((count < 14)); then
  echo "the clauses in $header are not 1, 2, ... 14 or more:" $clauses
  exit 1
fi
without=0
for clause in $clauses; do
  number=$(grep -cE "^$clause: " <<<"$cases" || true)
  echo "clause $clause: $number test cases"
  ((number > 0)) || without=$((without + 1))
done
strangers=$(grep -E '^[0-9]+:' <<<"$cases" | cut -d: -f1 | sort -un | grep -vxF "$clauses" || true)
[[ -z $strangers ]] || echo "test cases cite clauses that there are not:" $strangers
echo "$without clauses without a test case"
[[ -z $strangers ]] && ((without == 0))
