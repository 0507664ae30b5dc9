# Sourced by apps/run, tests/run and .ci/run: installs what is missing, configures and builds.
# Whatever it says goes to stderr: stdout belongs to the program that is run.

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")

say() { echo "rankwire: $*" >&2; }

fail() {
  say "$@"
  exit 1
}

# packages GROUP...: the packages that configs/packages.txt lists under these headings.
packages() {
  awk -v groups=" $* " '
    { sub(/#.*/, "") }
    /^\[/ { wanted = index(groups, " " substr($1, 2, length($1) - 2) " "); next }
    NF && wanted { print $1 }' "$root/configs/packages.txt"
}

# install_packages GROUP...: by apt-get, what is missing of them; silent when nothing is.
install_packages() {
  local wanted installed missing as_root=()
  wanted=$(packages "$@" | sort)
  command -v dpkg-query >/dev/null ||
    fail "this is no Debian; install by its own means: $(echo $wanted)." \
      "Then: cmake --preset release && cmake --build --preset release"
  # dpkg-query complains about, and fails for, packages it has never heard of: those are missing.
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
    sed -n 's/^installed //p' | sort -u) || true
  missing=$(comm -23 <(echo "$wanted") <(echo "$installed"))
  [[ $missing ]] || return 0
  missing=$(echo $missing)

  if [[ $EUID != 0 ]]; then
    command -v sudo >/dev/null ||
      fail "missing packages, and neither root nor sudo to install them. As root:" \
        "apt-get update && apt-get install --no-install-recommends $missing"
    as_root=(sudo)
  fi
  say "installing by apt-get: $missing"
  "${as_root[@]}" apt-get -q update >&2 </dev/null || fail "apt-get update failed: see above"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $missing >&2 </dev/null ||
    fail "apt-get could not install: $missing (see above)"
}

# configure PRESET FOLDER [-Dname=value...]: unless the cache says all of that already. So apps/run
# and tests/run share a folder, and neither undoes what the other, or the user by hand, has set.
configure() {
  local preset=$1 folder=$2 setting
  shift 2
  if ! is_cached "$folder" "CMAKE_HOME_DIRECTORY:INTERNAL=$root"; then
    # Nothing there, or the folder was copied or moved with its tree and speaks of another one.
    rm -rf "$folder"/{CMakeCache.txt,CMakeFiles,build.ninja}
  fi
  if [[ -e $folder/build.ninja ]]; then
    for setting in "${@#-D}"; do
      is_cached "$folder" "$setting" || break
      setting=
    done
    [[ ${setting:-} ]] || return 0
  fi
  say "configuring in $folder"
  (cd "$root" && cmake --log-level=WARNING --preset "$preset" "$@" >&2)
}

# is_cached FOLDER NAME:TYPE=VALUE: whether the cache in that folder says this.
is_cached() { grep -qsxF -- "$2" "$1/CMakeCache.txt"; }

# build FOLDER TARGET...: silent when there is nothing to do.
build() {
  local due
  # First whether a folder has come or gone (CONFIGURE_DEPENDS): each time that build.ninja is read
  # this is work to do, and nothing more is seen of what is. A file that includes it has just the rest.
  if due=$(ninja -C "$1" build.ninja 2>&1); then
    due=$(ninja -C "$1" -f /dev/stdin -n "${@:2}" <<<"include build.ninja" 2>&1) || true
    [[ $due == *"no work to do"* ]] && return
  fi
  say "building in $1"
  ninja -C "$1" "${@:2}" >&2
}

# set_up PRESET FOLDER TARGET GROUPS [-Dname=value...]: all of the above; one at a time in a folder.
set_up() {
  local preset=$1 folder=$root/$2 target=$3 groups=$4
  shift 4
  mkdir -p "$folder"
  (
    flock -n 9 || {
      say "waiting for another build in $folder"
      flock 9
    }
    install_packages $groups
    configure "$preset" "$folder" "$@"
    build "$folder" "$target"
  ) 9>"$folder/.lock"
}
