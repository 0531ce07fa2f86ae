#! @ATF_SH@
# SPDX-License-Identifier: BSD-2-Clause

evany=@BUILDDIR@/tools/evany/evany

# expect file expression output: of the JSON x in each line of the file.
expect()
{
	python3 -c 'import json, os, sys
for line in open(sys.argv[1]):
	x = json.loads(line)
	print(eval(sys.argv[2]))' "$1" "$2" >value || atf_fail "$1: no JSON"
	[ "$(cat value)" = "$3" ] || atf_fail "$2 is $(cat value), not $3"
}

# Starts the command with -v and returns when its watches are set; its output
# goes to the file out.
begin()
{
	mkfifo ready
	"$evany" "$@" >out 2>ready &
	pid=$!
	read -r line <ready || atf_fail "evany ended before it was ready"
	echo "$line"
}

# end status: it ends with that exit status.
end()
{
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq "$1" ] || { cat out; atf_fail "status $status"; }
}

atf_test_case info_text
info_text_head()
{
	atf_set descr "info shows interfaces, sources, mechanisms, limits"
	atf_set "X-rule" "TOOL-030"
}
info_text_body()
{
	atf_check -o save:out "$evany" info
	for word in kqueue ports fd timer directory sharing descriptors; do
		atf_check -o match:"^  $word " cat out
	done
	atf_check -o match:"^  [a-z]+ +descriptors +used$" cat out
	"$evany" info --nonsense 2>/dev/null && atf_fail "bad option taken"
	atf_check -s exit:125 -e match:usage "$evany" info extra
}

atf_test_case info_json
info_json_head()
{
	atf_set descr "info --json says the same"
	atf_set "X-rule" "TOOL-030"
	atf_set require.progs python3
}
info_json_body()
{
	"$evany" info >text
	"$evany" info --json >json
	atf_check -o save:names sh -c "python3 -c 'import json, sys
x = json.load(sys.stdin)
for i in x[\"interfaces\"]:
	print(i[\"name\"], i[\"how\"])
for m in x[\"mechanisms\"]:
	if m[\"used\"]:
		print(m[\"name\"], m[\"of\"])' <json"
	while read -r name second; do
		atf_check -o match:"^  $name +$second" cat text
	done <names
	expect json 'x["version"]' "$(sed -n '1s/^evany \([^ ]*\) on .*/\1/p' text)"
}

atf_test_case info_environment
info_environment_head()
{
	atf_set descr "info shows what EVANY_BACKENDS changes"
	atf_set "X-rule" "TOOL-030"
	atf_set require.progs python3
}
info_environment_body()
{
	atf_check -o match:"^  poll +descriptors +used$" \
	    -o match:"^  EVANY_BACKENDS +poll$" \
	    env EVANY_BACKENDS=poll "$evany" info
	EVANY_BACKENDS=poll "$evany" info -j >json
	expect json 'x["environment"]["EVANY_BACKENDS"]' poll
}

atf_test_case watch_json
watch_json_head()
{
	atf_set descr "watch --json: path, what and cookie, in valid JSON"
	atf_set "X-rule" "TOOL-001"
	atf_set require.progs python3
}
watch_json_body()
{
	mkdir d
	name=$(printf 'a"b\001\377')
	begin watch -v -j -n 3 d
	: >"d/$name"
	mv "d/$name" d/to
	end 0
	expect out 'x["what"]' "['made']
['moved-from']
['moved-to']"
	expect out 'os.fsencode(x["path"])' "b'd/a\"b\\x01\\xff'
b'd/a\"b\\x01\\xff'
b'd/to'"
	expect out 'x["cookie"] != 0' "False
True
True"
}

atf_test_case wait_status
wait_status_head()
{
	atf_set descr "wait ends with the place of what came first"
	atf_set "X-rule" "TOOL-010"
}
wait_status_body()
{
	atf_check -s exit:0 -o inline:"time 0 came\n" "$evany" wait -t 0
	atf_check -s exit:1 -o inline:"time 1ms came\n" \
	    "$evany" wait -t 1h -t 1ms
	atf_check -s exit:2 -o inline:"until 1.5 came\n" \
	    "$evany" wait -t 1h -t 2h -u 1.5
	atf_check -s exit:1 -o inline:"read 0 ready\n" \
	    sh -c ": | '$evany' wait -t 1h -r 0"
	atf_check -s exit:0 -o match:"^write 1 ready$" "$evany" wait -w 1
}

atf_test_case wait_file
wait_file_head()
{
	atf_set descr "wait sees a file change, come and go"
	atf_set "X-rule" "TOOL-010"
}
wait_file_body()
{
	echo one >file
	begin wait -v -t 1h -f file
	echo two >>file
	end 1
	atf_check -o inline:"file file changed\n" cat out
	rm ready
	begin wait -v -f file
	rm file
	end 0
	atf_check -o inline:"file file gone\n" cat out
	rm ready
	begin wait -v -f file
	: >other
	: >file
	end 0
	atf_check -o inline:"file file made\n" cat out
}

atf_test_case wait_process
wait_process_head()
{
	atf_set descr "wait sees a process end that has ended, or will"
	atf_set "X-rule" "TOOL-010"
}
wait_process_body()
{
	mkfifo hold
	sh -c 'read line <hold' &
	child=$!
	begin wait -v -p $child -t 1h
	echo go >hold
	wait $child
	end 0
	atf_check -o match:"^pid $child (exited 0|ended)$" cat out
	atf_check -s exit:0 -o inline:"pid $child ended\n" \
	    "$evany" wait -p $child -t 1h
}

atf_test_case wait_json
wait_json_head()
{
	atf_set descr "wait --json says which"
	atf_set "X-rule" "TOOL-010"
	atf_set require.progs python3
}
wait_json_body()
{
	atf_check -s exit:1 -o save:out "$evany" wait -j -t 1h -t 0
	expect out 'x' "{'which': 1, 'kind': 'time', 'argument': '0', 'what': 'came'}"
}

atf_test_case bad_arguments
bad_arguments_head()
{
	atf_set descr "bad arguments are told, with status 125"
	atf_set "X-rule" "TOOL-020"
}
bad_arguments_body()
{
	for args in "frob" "wait" "wait -t x" "wait -t 1y" "wait -t -1" \
	    "wait -t 99999999999" "wait -p 1.5" "wait -p 99999999999" \
	    "wait -s NOPE" "wait -s KILL" "wait -r 77" "wait -u 5s" \
	    "wait -t 1 more" "wait -f none/none" "watch" "watch none" \
	    "watch -n x ." "watch -t x ."; do
		echo "evany $args"
		atf_check -s exit:125 -e not-empty "$evany" $args
	done
}

atf_test_case completion
completion_head()
{
	atf_set descr "bash completes commands, options and arguments"
	atf_set "X-rule" "TOOL-040"
	atf_set require.progs bash
}
completion_body()
{
	. "$(atf_get_srcdir)/../build/env.sh"
	cat >try.bash <<EOS
source "$srcdir/tools/evany/evany.bash"
COMP_WORDS=("\$@")
COMP_CWORD=\$((\$# - 1))
compopt() { :; }
_evany
printf '%s\n' "\${COMPREPLY[@]}"
EOS
	: >some.file
	atf_check -o inline:"wait\nwatch\n" bash try.bash evany wa
	atf_check -o inline:"--pid\n" bash try.bash evany wait --p
	atf_check -o inline:"HUP\n" bash try.bash evany wait -s HU
	atf_check -o inline:"some.file\n" bash try.bash evany watch so
	atf_check -o inline:"--recursive\n" bash try.bash evany watch --r
	atf_check -o match:"^$$\$" bash try.bash evany wait -p $$
}

atf_test_case completion_zsh
completion_zsh_head()
{
	atf_set descr "zsh completes the same at a terminal"
	atf_set "X-rule" "TOOL-040"
	atf_set require.progs zsh
}
completion_zsh_body()
{
	. "$(atf_get_srcdir)/../build/env.sh"
	cat >try.zsh <<EOS
zmodload zsh/zpty
zpty line zsh -f -i
zpty -w line 'fpath=("$srcdir/tools/evany" \$fpath); autoload -Uz compinit'
zpty -w line 'compinit -u -d ./dump'
zpty -w line 'evany() { print -r -- "<\$*>"; }; print rea""dy'
zpty -r line out '*ready*'
zpty -w line "evany \$1"\$'\t'
zpty -r line out \$'*\n<*>*'
print -r -- "\${\${out##*\$'\n'<}%%>*}"
EOS
	: >some.file
	zsh_completes info i
	zsh_completes "wait --pid" "wait --p"
	zsh_completes "wait -s HUP" "wait -s HU"
	zsh_completes "wait -s SIGHUP" "wait -s SIGHU"
	zsh_completes "watch some.file" "watch so"
	zsh_completes "watch --recursive" "watch --r"
}
# what line: the line, with what TAB adds, is evany's arguments.
zsh_completes()
{
	atf_check -o inline:"$1\n" env TERM=dumb zsh -f try.zsh "$2"
}

atf_init_test_cases()
{
	atf_add_test_case bad_arguments
	atf_add_test_case completion
	atf_add_test_case completion_zsh
	atf_add_test_case info_environment
	atf_add_test_case info_json
	atf_add_test_case info_text
	atf_add_test_case wait_file
	atf_add_test_case wait_json
	atf_add_test_case wait_process
	atf_add_test_case wait_status
	atf_add_test_case watch_json
}
