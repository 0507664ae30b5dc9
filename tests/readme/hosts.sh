#!/usr/bin/env bash
# tests/readme/hosts.sh README BUILD: does on several hosts what the README says for them, with its
# own text. The hosts are network namespaces; each has a home of its own, with the tree in the folder
# rankwire of it. Ends with 77 and a line why where the machine allows no namespaces.
#
# A comment before a block of the README says what the block is:
#   <!-- do hosts -->   commands (after "HOST$ ") that must succeed, one after the other
#   <!-- run hosts -->  commands that run at the same time, each in a terminal of its host, and below
#                       each what it prints to stdout, byte for byte; all must succeed
set -euo pipefail
export LC_ALL=C
source "$(dirname "$(readlink -f "$0")")/../support/hosts.sh"
enter_network "$@"
readme=$(realpath "${1:?README}")
build=$(realpath "${2:?BUILD}")
hosts=(alpha beta gamma)
limit_s=60

homes=$(mktemp -d)
trap 'rm -rf "$homes"' EXIT
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done
add_hosts "${hosts[@]}"
for host in "${hosts[@]}"; do
  mkdir -p "$homes/$host/rankwire"
  ln -s "$build" "$homes/$host/rankwire/build"
done

# Between these hosts nobody serves ssh: this copies between their homes.
mkdir "$homes/bin"
cat >"$homes/bin/scp" <<'END'
#!/usr/bin/env bash
set -euo pipefail
paths=()
for path; do
  [[ $path != *:* ]] || path=$HOMES/${path%%:*}/${path#*:}
  paths+=("$path")
done
exec cp -- "${paths[@]}"
END
chmod +x "$homes/bin/scp"
export PATH=$homes/bin:$PATH HOMES=$homes

fail() {
  echo "FAILED, line $1 of the README: $2"
  exit 1
}

# at HOST COMMAND: as at a terminal there.
at() {
  cd "$homes/$1/rankwire"
  HOME=$homes/$1 on "$1" timeout --kill-after=5 "$limit_s" bash -c "$2"
}

# take_block LINE KIND TEXT
take_block() {
  local line=$1 kind=$2 text each host='' n=0 i
  local -a on_hosts=() commands=() processes=()
  text=$3
  while IFS= read -r each; do
    if [[ $each =~ ^([a-z]+)\$\ (.*)$ ]]; then
      host=${BASH_REMATCH[1]}
      [[ -d $homes/$host ]] || fail "$line" "there is no host $host"
      on_hosts+=("$host") commands+=("${BASH_REMATCH[2]}")
      n=${#commands[@]}
      : >"$homes/expected-$n"
    else
      ((n > 0)) || fail "$line" "the block begins with no command"
      printf '%s\n' "$each" >>"$homes/expected-$n"
    fi
  done <<<"$text"
  for ((i = 1; i <= n; i++)); do
    (at "${on_hosts[i - 1]}" "${commands[i - 1]}") >"$homes/out-$i" 2>"$homes/err-$i" &
    processes+=($!)
    [[ $kind == run ]] || finish "$i"
  done
  if [[ $kind == run ]]; then
    for ((i = 1; i <= n; i++)); do finish "$i"; done
  fi
  blocks=$((blocks + 1))
}

# finish NUMBER: of the block that take_block is at.
finish() {
  local what="${on_hosts[$1 - 1]}\$ ${commands[$1 - 1]}" code=0
  wait "${processes[$1 - 1]}" || code=$?
  if ((code != 0)); then
    cat "$homes/out-$1" "$homes"/err-*
    fail "$line" "$what ended with $code"
  fi
  [[ $kind == run ]] || return 0
  diff "$homes/expected-$1" "$homes/out-$1" ||
    fail "$line" "the output of: $what (< is what the README says)"
}

blocks=0 number=0 kind='' inside='' block=''
while IFS= read -r line_text <&3; do
  number=$((number + 1))
  if [[ $inside && $line_text == '```' ]]; then
    take_block "$start" "$kind" "${block%$'\n'}" </dev/null
    inside='' kind=''
  elif [[ $inside ]]; then
    block+=$line_text$'\n'
  elif [[ $line_text =~ ^\<!--\ (do|run)\ hosts\ --\>$ ]]; then
    kind=${BASH_REMATCH[1]} start=$number
  elif [[ $kind && $line_text == '```'* ]]; then
    inside=1 block=''
  fi
done 3<"$readme"
((blocks >= 3)) || fail "?" "so few blocks for several hosts cannot be all"
# The keys were for something: what is secret has stayed where it was made.
for host in "${hosts[@]}"; do
  secrets=("$homes/$host/rankwire/"*.key_secret)
  ((${#secrets[@]} == 1)) || fail "?" "$host has ${#secrets[@]} secret keys"
done
echo "$blocks blocks of the README done on ${#hosts[@]} hosts"
