# SPDX-License-Identifier: BSD-2-Clause
#
# Completion of evany(1) for bash.

_evany_signals()
{
	compgen -W "$(kill -l | tr -s ' \t' '\n' | sed -n 's/^SIG//p')" -- "$1"
}

_evany()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W 'info wait watch --help --version' \
		    -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]}:$prev in
	wait:-p|wait:--pid)
		COMPREPLY=($(compgen -W "$(ps -A -o pid=)" -- "$cur"))
		return ;;
	wait:-s|wait:--signal)
		COMPREPLY=($(_evany_signals "$cur"))
		return ;;
	wait:-f|wait:--file)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	wait:-[rtuw]|wait:--read|wait:--write|wait:--time|wait:--until|\
	watch:-[nt]|watch:--count|watch:--time)
		return ;;
	esac
	case ${COMP_WORDS[1]}:$cur in
	info:*)
		COMPREPLY=($(compgen -W '--json' -- "$cur")) ;;
	wait:*)
		COMPREPLY=($(compgen -W '--file --json --pid --read --signal
		    --time --until --verbose --write' -- "$cur")) ;;
	watch:-*)
		COMPREPLY=($(compgen -W '--all --count --json --recursive
		    --time --verbose' \
		    -- "$cur")) ;;
	watch:*)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}

complete -F _evany evany
