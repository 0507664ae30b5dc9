#!/usr/bin/env bash
# tests/layering/calls.sh ROOT: calls of libzmq on sockets and messages are made by one wrapper,
# backends/zmq/sockets/calls.hpp, which knows EINTR, EAGAIN and the parts of a message. (The raw baselines of
# apps/compare are there to do without.)
set -euo pipefail
export LC_ALL=C
cd "${1:?"calls.sh ROOT: the folder of the source tree is missing"}"

wrapper=backends/zmq/sockets/calls.hpp
# By the C interface; keys are made and versions asked for by calls that are none of these.
c='\<zmq_(bind|close|connect|ctx_|disconnect|getsockopt|msg_|poll|proxy|recv|send|setsockopt|socket|unbind)'
# By cppzmq: functions, and members whose names are used for nothing else here. A smart pointer's
# get() has no argument; send() is also that of links and the wire; set() is libzmq's when it sets one of
# its options.
cpp='\<zmq::(poll|proxy)\(|zmq::(recv|send)_|(\.|->)(bind|connect|disconnect|recv|unbind)\(|(\.|->)set\((zmq::)?(sock|ctx)opt|(\.|->)get\([^)]'
sockets='\<(listener|requests|reader|socket|stop|stopped)_?(\(\))?(\.|->)send\('

# calls_in FILE...: "file:line: text" of each; comments do not count.
calls_in() { grep -HnE "$c|$cpp|$sockets" "$@" | grep -vE '^[^:]+:[0-9]+: *//' || true; }

known=$(calls_in "$wrapper" | wc -l)
others=$(find backends -name '*.[ch]pp' ! -path "$wrapper")
found=$(calls_in $others)
[[ -z $found ]] || echo "$found"
echo "$known calls in $wrapper, $(grep -c . <<<"$found" || true) elsewhere, where none may be"
((known > 10)) || { echo "so few cannot be all: is $PWD the source tree?"; exit 1; }
[[ -z $found ]]
