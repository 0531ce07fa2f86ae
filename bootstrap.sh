#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# From a bare system to a running program, or to the whole suite's result.
#
#	./bootstrap.sh demo	builds, installs into ./_prefix, compiles
#				examples/kqueue_demo.c and examples/jobserver.c
#				through pkg-config and runs them on files, and
#				shows what evany info tells of the system
#	./bootstrap.sh check	builds in every way there is and runs all tests
#
# Both install the packages that are missing, with the system's own package
# manager (as root or by sudo), and write below ./_build and ./_prefix only.
set -eu

cd "$(dirname "$0")"
top=$(pwd)
build=$top/_build
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || getconf NPROCESSORS_ONLN \
    2>/dev/null || echo 1)

say()
{
	printf '==> %s\n' "$*"
}

die()
{
	printf 'bootstrap.sh: %s\n' "$*" >&2
	exit 1
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# ---- packages ----------------------------------------------------------------

# Which package manager: the word that the table in package_of is read by.
manager()
{
	for m in apt-get dnf apk pkgin pkg_add brew; do
		if have $m; then
			echo $m
			return
		fi
	done
	# FreeBSD and illumos both call theirs pkg.
	have pkg || return 0
	if pkg publisher >/dev/null 2>&1; then
		echo ips
	else
		echo pkg
	fi
}

# Is it there?  "bsd" stands for the BSD list and tree macros.
present()
{
	case $1 in
	cc)	have cc || have gcc || have clang ;;
	cxx)	have c++ || have g++ ;;
	pkgconf) have pkg-config || have pkgconf ;;
	libtool) have libtoolize || have glibtoolize ;;
	atf)	have atf-sh && { pkg-config --exists atf-c 2>/dev/null ||
		    echo '#include <atf-c.h>' | cc -E - >/dev/null 2>&1; } ;;
	bsd)	pkg-config --exists libbsd-overlay 2>/dev/null ||
		    echo '#include <sys/tree.h>' | cc -E - >/dev/null 2>&1 ;;
	venv)	have zig || python3 -c 'import ensurepip' 2>/dev/null ;;
	*)	have "$1" ;;
	esac
}

# package_of manager tool: names of packages, nothing if there is none.
package_of()
{
	case $1:$2 in
	apt-get:cc|dnf:cc|pkgin:cc)	echo gcc ;;
	apk:cc)				echo gcc musl-dev ;;
	ips:cc)				echo developer/gcc-13 ;;
	apt-get:cxx|apk:cxx)		echo g++ ;;
	dnf:cxx)			echo gcc-c++ ;;
	pkgin:make|pkg:make|pkg_add:make|brew:make) ;;
	ips:make)			echo developer/build/gnu-make ;;
	pkg_add:autoconf)		echo autoconf-2.71p0 ;;
	pkg_add:automake)		echo automake-1.16.5 ;;
	ips:autoconf|ips:automake|ips:libtool) echo developer/build/$2 ;;
	apt-get:pkgconf)		echo pkg-config ;;
	ips:pkgconf)			echo developer/build/pkg-config ;;
	apt-get:bsd|apk:bsd)		echo libbsd-dev ;;
	dnf:bsd)			echo libbsd-devel ;;
	*:bsd) ;;
	apt-get:atf)			echo libatf-dev atf-sh ;;
	dnf:atf)			echo libatf-c-devel libatf-sh-devel ;;
	apk:atf)			echo atf-dev atf ;;
	ips:atf|ips:kyua|ips:mandoc|ips:clang|ips:cmake) ;;
	pkgin:mandoc|pkg:mandoc|pkg_add:mandoc) ;;
	pkgin:cxx|pkg:cxx|pkg_add:cxx|brew:cxx|ips:cxx) ;;
	pkg:cc|pkg_add:cc|brew:cc|pkg:clang|pkg_add:clang|brew:clang) ;;
	pkg_add:pkgconf) ;;
	apt-get:venv)			echo python3-venv ;;
	dnf:venv|apk:venv)		echo python3 ;;
	*:venv) ;;
	*)				echo "$2" ;;
	esac
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Brew wants no root.
may_install()
{
	[ "$1" = brew ] || [ "$(id -u)" -eq 0 ] || have sudo
}

install_packages()
{
	case $1 in
	apt-get)
		shift
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install \
		    -y --no-install-recommends "$@" ;;
	dnf)	shift; as_root dnf install -y "$@" ;;
	apk)	shift; as_root apk add "$@" ;;
	pkgin)	shift; as_root pkgin -y install "$@" ;;
	pkg_add) shift; as_root pkg_add -I "$@" ;;
	pkg)	shift; as_root pkg install -y "$@" ;;
	ips)	shift; as_root pkg install "$@" ;;
	brew)	shift; brew install "$@" ;;
	esac
}

# need tool...: what is missing is installed, all at once, or else one by one,
# since a system may lack some of them.  What is then missing is told, and is
# fatal only if it is needed to build.
need()
{
	mgr=$(manager)
	missing='' packages=''
	for tool; do
		present "$tool" || missing="$missing $tool"
	done
	[ -n "$missing" ] || return 0
	say "missing:$missing"
	for tool in $missing; do
		[ -z "$mgr" ] || packages="$packages $(package_of "$mgr" "$tool")"
	done
	if [ -n "$(echo $packages)" ] && ! may_install "$mgr"; then
		say "not root and no sudo; to be installed as root:$packages"
	elif [ -n "$(echo $packages)" ]; then
		say "installing, by $mgr:$packages"
		[ "$mgr" != apt-get ] ||
		    quietly packages-list as_root apt-get update -q || :
		quietly packages install_packages "$mgr" $packages ||
		    for p in $packages; do
			quietly packages-$p install_packages "$mgr" $p || :
		done
	fi
	for tool in $missing; do
		present "$tool" && continue
		case $tool in
		cc|make|autoconf|automake|libtool|pkgconf)
			die "there is no $tool, and it could not be installed" ;;
		*)	say "going on without $tool" ;;
		esac
	done
}

build_tools="cc make autoconf automake libtool pkgconf bsd"

generate()
{
	# OpenBSD wants to be told which.
	if have pkg_add; then
		AUTOCONF_VERSION=${AUTOCONF_VERSION-2.71}
		AUTOMAKE_VERSION=${AUTOMAKE_VERSION-1.16}
		export AUTOCONF_VERSION AUTOMAKE_VERSION
	fi
	# A release tarball comes with its configure.
	[ -x configure ] && [ ! -e .git ] || quietly autogen ./autogen.sh
}

# quietly name command...: output goes to _build/log/name; shown if it fails.
quietly()
{
	log=$build/log/$1
	shift
	mkdir -p "$build/log"
	"$@" >"$log" 2>&1 </dev/null || {
		tail -n 100 "$log"
		printf 'bootstrap.sh: failed: %s\n' "$*"
		return 1
	} >&2
}

# configured folder [options]: an out-of-tree build directory.
configured()
{
	dir=$build/$1
	shift
	mkdir -p "$dir"
	(cd "$dir" && quietly "configure-${dir##*/}" "$top/configure" "$@")
}

# ---- demo ----------------------------------------------------------------------

demo()
{
	need $build_tools
	generate
	prefix=$top/_prefix
	say "configuring and building in _build/demo"
	configured demo --prefix="$prefix" --libdir="$prefix/lib"
	sed -n '/^  facility/,/^$/p' "$build/log/configure-demo"
	quietly make-demo make -C "$build/demo" -j "$jobs"
	say "installing into _prefix"
	quietly install-demo make -C "$build/demo" install
	PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name evany-overlay.pc)")
	export PKG_CONFIG_PATH
	pc=$(command -v pkg-config || command -v pkgconf)
	flags=$("$pc" --cflags --libs evany-overlay)
	cc=$(command -v cc || command -v gcc || command -v clang)
	LD_LIBRARY_PATH=$prefix/lib DYLD_LIBRARY_PATH=$prefix/lib
	export LD_LIBRARY_PATH DYLD_LIBRARY_PATH
	echo "    pkg-config says: $flags"
	show kqueue_demo README.md
	say "wc README.md says:"
	wc README.md
	# Not on every system does a child process have its parent's port.
	show jobserver README.md NEWS LICENSE ||
	    say "failed: see CAVEATS in port_create(3)"
	say "wc -l README.md NEWS LICENSE says:"
	wc -l README.md NEWS LICENSE
	say "_prefix/bin/evany info"
	"$prefix/bin/evany" info | sed '/^  mechanism/,$d'
}

# show example argument...: compiles it as a program from elsewhere, and runs it.
show()
{
	# The paths as they are in here, for reading.
	say "cc examples/$1.c -o _build/$1" \
	    '$(pkg-config --cflags --libs evany-overlay)'
	"$cc" "examples/$1.c" -o "$build/$1" $flags ||
	    die "examples/$1.c does not build"
	say "_build/$*"
	example=$build/$1
	shift
	"$example" "$@"
}

# ---- check ---------------------------------------------------------------------

passed=0 failed=0 skipped=0 only='' repeats=''

# What failed, for the end of the output.
failures=''

# One result that is not a test case of kyua's.
result()
{
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		say "$1: passed"
	else
		failed=$((failed + 1))
		failures="$failures
    $1"
		say "$1: FAILED"
	fi
}

# step name command...: counted as one.
step()
{
	name=$1
	shift
	status=0
	quietly "$name" "$@" || status=$?
	result "$name" $status
	return $status
}

# What the cases that failed have said.
say_failed()
{
	kyua report --verbose --results-file="$db" \
	    --results-filter=broken,failed |
	    grep -vE '^    [A-Z_]+=' | cut -c 1-2000 | head -n 400
}

# again [VARIABLE=value...]: runs the few cases that failed once more, alone.
# What passes then has a fault that is rare: it is listed at the very end.
again()
{
	list=$(sed -nE 's/  ->  (failed|broken).*//p' "$log.cases" | tr '\n' ' ')
	for i in $list; do
		repeats="$repeats
    $title: $i"
	done
	say_failed
	env "$@" CASES="$list" make -C "$build/$folder" check \
	    ${only:+"$only"} >"$log.again" 2>&1 </dev/null || :
	n=$(grep -cE '^[^ ]+:[^ ]+  ->  passed' "$log.again" || :)
	p=$((p + n)) f=$((f - n))
}

# suite folder title [VARIABLE=value...]: make check there, counted by case.  If
# "only" is set, it narrows what is built for it.
suite()
{
	folder=$1 title=$2
	shift 2
	say "suite: $title"
	t0=$(date +%s)
	db=$build/$folder/tests/kyua.db
	rm -f "$db"
	mkdir -p "$build/log"
	log=$build/log/check-$(echo "$title" | tr -cs 'A-Za-z0-9\n' -)
	# Cases wait more than they work.
	env "$@" make -C "$build/$folder" check ${only:+"$only"} \
	    KYUAFLAGS="-v parallelism=$((2 * jobs))" >"$log" 2>&1 </dev/null || :
	if [ ! -e "$db" ]; then
		tail -n 60 "$log"
		result "$title" 1
		return 0
	fi
	# "folder/program:case  ->  result: reason  [1.2s]"
	kyua report --results-file="$db" \
	    --results-filter=passed,skipped,xfail,broken,failed |
	    grep -E '^[^ ]+:[^ ]+  ->  ' | sort -u >"$log.cases" || :
	p=$(grep -cE '  ->  (passed|expected_failure)' "$log.cases" || :)
	s=$(grep -c '  ->  skipped' "$log.cases" || :)
	f=$(grep -cE '  ->  (failed|broken)' "$log.cases" || :)
	if [ "$f" -gt 0 ] && [ "$f" -le 5 ]; then
		again "$@"
	fi
	if [ $((p + f)) -eq 0 ]; then
		tail -n 60 "$log"
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [ "$s" -gt 0 ]; then
		echo "skipped:"
		grep '  ->  skipped' "$log.cases" |
		    sed 's/  ->  skipped:/:/; s/  \[.*//; s/^/    /'
	fi
	if [ "$f" -gt 0 ]; then
		failures="$failures
$(sed -nE "s/(.*)  ->  (failed|broken).*/    $title: \1/p" "$log.cases")"
		echo "failed:"
		grep -E '  ->  (failed|broken)' "$log.cases" | sed 's/^/    /'
		say_failed
	fi
	say "$title: $p passed, $f failed, $s skipped," \
	    "$(($(date +%s) - t0)) seconds"
}

zig_of()
{
	"$1" -c 'import os, ziglang
print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))' 2>/dev/null
}

# Zig for the cross builds, in a place of our own as is what it keeps; without
# it they are skipped.
get_zig()
{
	[ -n "$cross" ] || return 0
	python=$build/zig-venv/bin/python
	ZIG=$(command -v zig || zig_of python3 || zig_of "$python") || {
		say "installing zig into _build/zig-venv, by pip"
		quietly zig-venv python3 -m venv "$build/zig-venv" &&
		    quietly zig-pip "$python" -m pip install \
		    --disable-pip-version-check "ziglang==0.17.*" &&
		    ZIG=$(zig_of "$python")
	} || {
		say "no zig, so no cross builds: is there no network?"
		return 0
	}
	: "${ZIG_GLOBAL_CACHE_DIR:=$build/zig-cache}"
	export ZIG ZIG_GLOBAL_CACHE_DIR
}

# What runs where.
#
#	gcc	everything, the cross builds too: those that EVANY_CROSS lists, or
#		all of them if it is "all"
#	poll	the portable mechanisms: all behaviour
#	interposed  the facilities; the other folders do not close numbers
#		behind the library's back
#	clang	all behaviour, and what a compiler can change of the packaging
#	sanitizers  all behaviour, the tool and the examples, but programs that
#		replace malloc(3) or trace themselves; with the portable
#		mechanisms the facilities and the contract, or kqueue and ports
#		under ThreadSanitizer
#	stacked	a mechanism of other systems on the facility that the gcc build
#		emulates: its contract, and what is emulated above it there
#	distcheck  some cases of each kind: is everything in the tarball?
behaviour="kqueue backends ports unified model fault interpose"
sane="kqueue backends ports unified model tools"
facilities="kqueue ports unified"
cross=${EVANY_CROSS-freebsd netbsd macos musl}

# Only the folders that have tests in this tree.
folders()
{
	for d in $1; do
		[ ! -e "$build/gcc/tests/$d/Kyuafile" ] || echo $d
	done | tr '\n' ' '
}

# One after the other: both would make the library at once.
build_all()
{
	make -C "$1" -j "$jobs" all && make -C "$1" -j "$jobs" build-tests
}

# variant folder configure-option...: an extra build of library and tests.
variant()
{
	variant=$1
	shift
	step "configure-$variant" configured "$variant" "$@" &&
	    step "build-$variant" build_all "$build/$variant"
}

# sanitized folder list: the suite under sanitizers.
sanitized()
{
	variant "$1" CC=gcc CFLAGS="-g -O1" --disable-static \
	    --enable-sanitizer="$2" || return 0
	sanely "$1" "$2" CASES="$(folders "$sane") build/unified_examples_test"
}

# A report fails the case; tests wait longer for a slower library.
# ThreadSanitizer's options are in tests/lib/evt.c.
sanely()
{
	suite "$@" EVT_SCALE=4 \
	    ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:exitcode=99" \
	    LSAN_OPTIONS="suppressions=$top/tests/lib/lsan.supp:print_suppressions=0" \
	    UBSAN_OPTIONS="print_stacktrace=1"
}

# programs_of pattern...: names, as make knows them, of tests/<pattern>_test.
programs_of()
{
	for pattern; do
		for t in "$build"/gcc/tests/${pattern}_test; do
			[ ! -e "$t" ] || echo "tests/${t#"$build/gcc/tests/"}"
		done
	done | tr '\n' ' '
}

# cases_of folder mechanism program...: those of that mechanism.
cases_of()
{
	folder=$1 mechanism=$2
	shift 2
	for t; do
		"$build/$folder/$t" -l 2>/dev/null |
		    sed -n "s|^ident: \($mechanism.*\)|${t#tests/}:\1|p"
	done | tr '\n' ' '
}

# stacked mechanism facility folder...: that mechanism, on the facility of the gcc
# build.
stacked()
{
	mechanism=$1 facility=$2
	shift 2
	lib=$build/gcc/.libs/libevany.so stack=stacked-$mechanism
	grep -q "^#define EVANY_${facility}_EMULATED 1" "$build/gcc/config.h" &&
	    [ -e "$lib" ] || return 0
	contracts=$(programs_of "backends/*contract*" backends/proc_notes \
	    backends/signal_blocked)
	programs=$contracts
	for f; do
		programs="$programs $(programs_of "$f/*")"
	done
	step "configure-$stack" configured "$stack" CC=gcc CFLAGS=-O1 \
	    --disable-static "--with-$mechanism-mechanism=$lib" &&
	    step "make-$stack" make -C "$build/$stack" -j "$jobs" all &&
	    step "build-$stack" make -C "$build/$stack" -j "$jobs" $programs ||
	    return 0
	only="check_PROGRAMS=$programs"
	suite "$stack" "stacked, EVANY_BACKENDS=$mechanism" \
	    EVANY_BACKENDS="$mechanism" \
	    CASES="$(cases_of "$stack" "$mechanism" $contracts) $*"
	only=''
}

# Does the tarball build, install and clean up from a folder that cannot be
# written to?  The suite itself has run; these cases are about the build.
dist_check()
{
	make -C "$build/gcc" distcheck CASES="rules build/manual_test \
	    build/symbols_test build/examples_test kqueue/kqueue_user_test"
}

# Does it hold all that git does?
dist_complete()
{
	tar tzf "$build"/gcc/evany-*.tar.gz | sed 's|^[^/]*/||' |
	    sort >"$build/in-dist"
	git ls-files | grep -Ev '^[.](ci/|gitignore)' | sort >"$build/in-git"
	echo "missing:"
	! comm -13 "$build/in-dist" "$build/in-git" | grep .
}

check()
{
	need $build_tools cxx clang kyua atf mandoc cmake meson venv zsh
	have kyua || die "tests are run by kyua, which is missing"
	start=$(date +%s)
	mkdir -p "$build"
	step autogen ./autogen.sh || finish
	get_zig

	variant gcc CC=gcc --enable-werror || finish
	step build-bench make -C "$build/gcc" -j "$jobs" bench || :
	suite gcc "gcc" EVANY_CROSS="$cross"
	suite gcc "gcc, EVANY_BACKENDS=poll" EVANY_BACKENDS=poll \
	    CASES="$(folders "$behaviour")"
	# What only the interposing library makes exact is then asked for.
	lib=$build/gcc/.libs/libevany-interpose.so
	[ ! -e "$lib" ] || suite gcc "gcc, interposed" LD_PRELOAD="$lib" \
	    CASES="$(folders "$facilities interpose")"

	if have clang; then
		if variant clang CC=clang CXX=clang++ --enable-werror; then
			suite clang "clang" CASES="$(folders "$behaviour") \
			    build/headers_test build/symbols_test \
			    build/pkgconfig_test build/thirdparty_test"
			step build-bench-clang \
			    make -C "$build/clang" -j "$jobs" bench || :
		fi
	else
		say "skipped: the clang build, there is no clang"
		skipped=$((skipped + 1))
	fi

	sanitized asan address,undefined
	[ ! -e "$build/asan/tests/Kyuafile" ] ||
	    sanely asan "address,undefined, EVANY_BACKENDS=poll" \
	    EVANY_BACKENDS=poll CASES="$(folders "$facilities backends")"
	sanitized tsan thread
	[ ! -e "$build/tsan/tests/Kyuafile" ] ||
	    sanely tsan "thread, EVANY_BACKENDS=poll" EVANY_BACKENDS=poll \
	    CASES="$(folders "kqueue ports")"

	stacked kqueue KQUEUE ports unified
	stacked ports PORTS unified

	if step distcheck dist_check && [ -e .git ] && have git; then
		step dist-complete dist_complete || :
	fi
	finish
}

finish()
{
	[ -z "$repeats" ] || echo "cases that ran once more:$repeats"
	[ -z "$failures" ] || echo "failures of all suites:$failures"
	say "$(($(date +%s) - start)) seconds"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit $?
}

case ${1-} in
demo)	demo ;;
check)	check ;;
*)	echo "usage: ./bootstrap.sh demo | check" >&2
	exit 2 ;;
esac
