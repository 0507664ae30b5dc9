#!/usr/bin/env bash
# tests/install/run.sh SOURCE BUILD LIBDIR TRANSPORT...: installs BUILD, moves what was installed, and
# builds and runs programs against it: the README's first one, by the README's own commands, by
# CMake and by pkg-config, an example from where it was installed, and a project with a shared library
# and exports of its own.
set -euo pipefail
export LC_ALL=C
source=$(realpath "${1:?SOURCE}")
build=$(realpath "${2:?BUILD}")
libdir=${3:?LIBDIR}
transports=("${@:4}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for variable in $(compgen -e RANKWIRE_ || true); do unset "$variable"; done
unset rankwire_DIR CMAKE_PREFIX_PATH PKG_CONFIG_PATH

fail() {
  echo "FAILED: $*"
  exit 1
}

# quietly COMMAND: its output only where it fails.
quietly() {
  "$@" >log 2>&1 || {
    cat log
    fail "$*"
  }
}

# expect OUTPUT COMMAND
expect() {
  local expected=$1 actual
  shift
  actual=$("$@" 2>log) || {
    cat log
    fail "$* ended with an error"
  }
  [[ $actual == "$expected" ]] || fail "$* printed '$actual', not '$expected'"
}

# The README's block behind the comment with these words.
readme_block() {
  awk -v marker="<!-- $1 -->" '
    $0 == marker { wanted = 1; next }
    wanted && /^```/ { if (inside) exit; inside = 1; next }
    inside' "$source/README.md"
}
# The file that the README shows under this name.
readme_file() {
  readme_block "file: $1"
}

# As the README has it: its commands, in a folder that looks as the tree does to its user. They are
# for the library folder that CMake has by itself.
mkdir home tree tree/pi
ln -s "$build" tree/build
for file in pi.cpp CMakeLists.txt; do readme_file "pi/$file" >"tree/pi/$file"; done
[[ -s tree/pi/pi.cpp && -s tree/pi/CMakeLists.txt ]] ||
  fail "the README has no pi/pi.cpp and its build file"
commands=$(readme_block 'do install' | sed -n 's/^\$ //p')
[[ $commands == *"cmake --install"*pkg-config* ]] || fail "the README installs nothing"
if [[ $libdir == lib ]]; then
  quietly env -C tree HOME="$work/home" bash -euxc "$commands"
else
  echo "left out: the README's commands, which are for the folder lib, not $libdir"
fi

quietly cmake --install "$build" --prefix "$work/first"
mv first moved
prefix=$work/moved
for file in include/rankwire/rankwire.hpp include/rankwire/channel.hpp share/doc/rankwire/LICENSE; do
  [[ -f $prefix/$file ]] || fail "$file is not installed"
done
# It may be moved because nothing says where it was made, or put.
if grep -rIlF -e "$work/first" -e "$build" -e "$source" "$prefix"; then
  fail "these files name a folder of the build"
fi

mkdir pi
cp tree/pi/pi.cpp tree/pi/CMakeLists.txt pi
said="pi is 3.141592654, say 4 ranks"
quietly cmake -S pi -B pi/build -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build pi/build
expect "$said" pi/build/pi

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
quietly "${CXX:-c++}" -std=c++20 pi/pi.cpp $(pkg-config --cflags --libs rankwire) -o pi/pi
expect "$said" pi/pi

examples=$prefix/share/doc/rankwire/examples
for file in "$source"/examples/{CMakeLists.txt,*.cpp}; do
  cmp "$file" "$examples/${file##*/}" || fail "$file is not installed"
done
quietly cmake -S "$examples" -B examples -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build examples --target types
expect "$(head -n 3 "$source/tests/system/expected/types.txt")" examples/types -n 1

quietly cmake -S "$source/tests/install/consumer" -B consumer -DCMAKE_PREFIX_PATH="$prefix" \
  -DTRANSPORTS="$(IFS=';' && echo "${transports[*]}")"
quietly cmake --build consumer
quietly cmake --install consumer --prefix "$work/consumed"
expect "sum 6" consumed/bin/consumer

# A transport that this build does not have is missed at once.
if cmake -S "$source/tests/install/consumer" -B none -DCMAKE_PREFIX_PATH="$prefix" \
  -DTRANSPORTS="inproc;carrier-pigeon" >log 2>&1; then
  fail "a component that is not there was found"
fi
grep -qF 'built without the transport carrier-pigeon' <(tr -s '\n ' ' ' <log) ||
  fail "what is missing is not said: $(cat log)"

# As a part of that project's tree: its exports are whole, too.
quietly cmake -S "$source/tests/install/consumer" -B within -DRANKWIRE_TREE="$source" \
  $([[ " ${transports[*]} " == *" mpi "* ]] || echo -DRANKWIRE_WITH_MPI=OFF) \
  $([[ " ${transports[*]} " == *" zmq "* ]] || echo -DRANKWIRE_WITH_ZMQ=OFF)

expect "$("$build/bin/product" -n 3)" "$prefix/libexec/rankwire/product" -n 3
if [[ " ${transports[*]} " == *" zmq "* ]]; then
  expect "pi is 3.141592654, say 2 ranks" "$prefix/bin/rankwire" launch -n 2 -- pi/pi
fi
echo "installed, moved, and built against in three ways"
