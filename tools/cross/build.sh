#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# usage: build.sh system source-dir build-dir [configure options]
#
# Builds library, examples and tests for another system with zig's compiler,
# whose headers and libraries are those systems' own.  system is a file of this
# folder without its suffix: configure's answers to what it cannot find out
# when it cross-compiles, after a first line that tells host and target.
# Any warning is an error.  TARGETS in the environment: what to make, if not
# "all build-tests".
#
# Zig is taken from ZIG, else from the path, else from Python's ziglang.
set -eu

system=$1 src=$(cd "$2" && pwd) build=$3
shift 3
: "${TARGETS:=all build-tests}"
cache=$src/tools/cross/$system.cache

if [ -z "${ZIG-}" ]; then
	ZIG=$(command -v zig || python3 -c 'import os, ziglang
print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))') || {
		echo "$0: no zig" >&2
		exit 77
	}
fi

# "# host <configure's --host> target <zig's -target, and more of its flags>"
set -- "$@" $(sed -n '1s/^# host \([^ ]*\) target .*/--host=\1/p' "$cache")
target=$(sed -n '1s/.* target //p' "$cache")

mkdir -p "$build"
cd "$build"
cp "$cache" config.cache
# A compiler of several words is more than libtool understands.
printf '#!/bin/sh\nexec "%s" cc -target %s "$@"\n' "$ZIG" "$target" >cc
printf '#!/bin/sh\nexec "%s" ar "$@"\n' "$ZIG" >ar
printf '#!/bin/sh\nexec "%s" ranlib "$@"\n' "$ZIG" >ranlib
chmod 755 cc ar ranlib
"$src/configure" --cache-file=config.cache --enable-werror --with-atf=min \
    CC="$(pwd)/cc" AR="$(pwd)/ar" RANLIB="$(pwd)/ranlib" "$@"
for t in $TARGETS; do
	${MAKE:-make} -j "${JOBS:-1}" "$t"
done
