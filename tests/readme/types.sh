#!/usr/bin/env bash
# tests/readme/types.sh README TEST: the types of the README's table "What can be sent" are all in
# the source TEST, which sends them.
set -euo pipefail
readme=${1:?"types.sh README TEST"}
test=${2:?"types.sh README TEST"}

rows=$(sed -n '/^### What can be sent/,/^```/p' "$readme" | grep '^| ' | cut -d'|' -f2)
types=$(grep -oE '`[a-z0-9_:]+`' <<<"$rows" | tr -d '`' | grep -vxE 'multi|unordered_' | sort -u)
missing=0
for type in $types; do
  grep -qE "(^|[^a-z0-9_])$type([^a-z0-9_]|$)" "$test" && continue
  echo "$type is in the README's table, and not sent in $test"
  missing=$((missing + 1))
done
echo "$(wc -w <<<"$types") types of the README, $missing missing"
(($(wc -w <<<"$types") > 30)) || { echo "so few cannot be all"; exit 1; }
((missing == 0))
