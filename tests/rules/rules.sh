#!/bin/sh
#
# SPDX-License-Identifier: BSD-2-Clause
#
# Copyright (c) 2026 The evany authors
#
# rules.sh: which test cases check which rule.
#
#	rules.sh [-l] [tests-folder]
#
# Reads every *.rules below the folder (the one above this script if none is
# given) and the rules that its test sources name, and fails, one line a
# defect, if
#	a line of a catalogue is not `ID grade statement', or its ID came before;
#	no registered case names a rule;
#	a case names a rule that no catalogue has;
#	a case with rules is not registered, so never runs;
#	a program with rules is in no Makefile.am.inc, so never runs.
# With -l it first lists each rule, its grade, statement and cases.
#
# A case names its rules in one of these forms, of which the first is usual:
#	EVT_TC(name, "KQ-001 KQ-002", "description")
#	atf_tc_set_md_var(tc, "X-rule", "KQ-001");	in ATF_TC_HEAD(name, tc)
#	atf_set "X-rule" "KQ-001"			in name_head()
# The rules may be none, "", for a case that checks no rule in particular.

set -eu

list=0
if [ "${1:-}" = "-l" ]; then
	list=1
	shift
fi
if [ $# -gt 1 ]; then
	echo "usage: rules.sh [-l] [tests-folder]" >&2
	exit 2
fi
top=${1:-$(dirname "$0")/..}
catalogues=$(find "$top" -name '*.rules' | sort)
sources=$(find "$top" \( -name '*_test.c' -o -name '*_test.sh' \) | sort)
if [ -z "$catalogues" ]; then
	echo "rules.sh: no catalogue below $top" >&2
	exit 2
fi

# Names hold no blanks anywhere in this tree, so the lists may be split.
# shellcheck disable=SC2086
exec awk -v list="$list" -v top="$top" '
function complain(text) {
	print text
	bad = 1
}

# base name of the program that a source makes
function program(path) {
	sub(/.*\//, "", path)
	sub(/\.[a-z]*$/, "", path)
	return path
}

# does the makefile fragment beside the source name its program?
function built(path,    dir, name, file, line, found) {
	dir = path
	sub(/\/[^\/]*$/, "", dir)
	name = "/" program(path)
	file = dir "/Makefile.am.inc"
	while ((getline line < file) > 0)
		if (line !~ /^#/ && index(line " ", name))
			found = 1
	close(file)
	return found
}

# a case of the current source says that it checks these rules
function names(who, rules,    n, i, id, part) {
	who = program(FILENAME) ":" who
	n = split(rules, part, " ")
	for (i = 1; i <= n; i++) {
		id = part[i]
		if (!((id, who) in named)) {
			named[id, who] = 1
			pair_id[++pairs] = id
			pair_who[pairs] = who
		}
	}
	defined[who] = FILENAME
}

# the next string literal of text from position at; sets after
function literal(text, at,    c, out) {
	out = ""
	for (at++; (c = substr(text, at, 1)) != "\"" && c != ""; at++)
		out = out c
	after = at + 1
	return out
}

# EVT_TC(name, "rules" "more rules", ...
function macro(text,    name, rules, at, c) {
	sub(/^EVT_TC[A-Z_]*\([ \t]*/, "", text)
	name = text
	sub(/[ \t]*,.*/, "", name)
	rules = ""
	at = index(text, ",") + 1
	while ((c = substr(text, at, 1)) != "," && c != ")" && c != "") {
		if (c == "\"") {
			rules = rules literal(text, at)
			at = after
		} else
			at++
	}
	names(name, rules)
}

FNR == 1 {
	pending = ""
	head = ""
	is_rules = FILENAME ~ /\.rules$/
	is_shell = FILENAME ~ /\.sh$/
}

is_rules {
	if ($0 ~ /^#/ || $0 ~ /^[ \t]*$/)
		next
	if ($0 !~ /^[A-Z]+-[0-9][0-9][0-9] (exact|approx|impossible) [^ ]/) {
		complain(FILENAME ":" FNR ": not `ID grade statement'\''")
		next
	}
	if ($1 in grade) {
		complain($1 ": listed twice")
		next
	}
	grade[$1] = $2
	text[$1] = $0
	sub(/^[^ ]* [^ ]* /, "", text[$1])
	order[++rules] = $1
	next
}

is_shell {
	if ($0 ~ /^[A-Za-z0-9_]+_head\(\)/) {
		head = $1
		sub(/_head\(\).*/, "", head)
	}
	if ($0 ~ /^[ \t]*atf_set[ \t]+"?X-rule"?[ \t]/ && head != "") {
		line = $0
		sub(/^[ \t]*atf_set[ \t]+"?X-rule"?[ \t]+/, "", line)
		gsub(/["\047]/, "", line)
		names(head, line)
	}
	if ($1 == "atf_add_test_case")
		registered[program(FILENAME) ":" $2] = 1
	next
}

pending != "" || /^EVT_TC[A-Z_]*\(/ {
	pending = pending " " $0
	sub(/^ /, "", pending)
	if ($0 !~ /\)[ \t]*\{?[ \t]*$/)
		next
	macro(pending)
	pending = ""
	next
}

/^ATF_TC_HEAD\(/ {
	head = $0
	sub(/^ATF_TC_HEAD\([ \t]*/, "", head)
	sub(/[ \t]*,.*/, "", head)
}

/atf_tc_set_md_var\(.*"X-rule"/ {
	line = $0
	sub(/.*"X-rule"[^"]*"/, "", line)
	if (line !~ /^%s/) {
		sub(/".*/, "", line)
		names(head, line)
	}
}

/(EVT|ATF)_TP_ADD_TC\(/ {
	line = $0
	sub(/.*_TP_ADD_TC\([^,]*,[ \t]*/, "", line)
	sub(/[ \t]*\).*/, "", line)
	registered[program(FILENAME) ":" line] = 1
}

END {
	for (who in defined) {
		cases++
		path = defined[who]
		if (!(who in registered))
			complain(who ": is not registered")
		if (!(path in seen)) {
			seen[path] = 1
			if (!built(path))
				complain(path ": is in no Makefile.am.inc")
		}
	}
	for (i = 1; i <= pairs; i++) {
		id = pair_id[i]
		if (!(id in grade))
			complain(pair_who[i] ": names unknown rule " id)
		if (pair_who[i] in registered)
			by[id] = by[id] "\n\t" pair_who[i]
	}
	for (i = 1; i <= rules; i++) {
		id = order[i]
		total[grade[id]]++
		if (list)
			print id " " grade[id] ": " text[id] by[id]
		if (by[id] == "")
			complain(id ": no case names it")
	}
	printf "%d rules (%d exact, %d approx, %d impossible), %d cases\n",
	    rules, total["exact"], total["approx"], total["impossible"],
	    cases
	exit bad
}
' $catalogues $sources
