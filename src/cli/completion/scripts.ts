// The scripts that make a shell ask us (`__complete`) what may follow. They need nothing but the shell itself.

export type Shell = "bash" | "zsh" | "fish";

/** The script for a shell. `program` is the name that it completes. */
export function completionScript(shell: Shell, program: string, described: boolean): string {
  const ask = described ? "__complete" : "__completeNoDesc";
  return SCRIPTS[shell].replaceAll("@PROGRAM@", program).replaceAll("@ASK@", ask);
}

// bash splits words at = and : (COMP_WORDBREAKS): the line is read anew, and what stands before the last such
// character is taken off again from each candidate, since bash replaces only what stands behind it.
const BASH = String.raw`# bash completion for @PROGRAM@

_@PROGRAM@_complete() {
    local line word directive wanted prefix candidate text
    local -a words answer candidates
    line=\${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word=\${words[\${#words[@]} - 1]}
    mapfile -t answer < <("\${words[0]}" @ASK@ "\${words[@]:1}" 2>/dev/null)
    ((\${#answer[@]} > 0)) || return
    directive=\${answer[\${#answer[@]} - 1]#:}
    unset "answer[\${#answer[@]}-1]"
    ((directive & 1)) && return

    # A value behind its flag is what is completed, not the flag.
    wanted=$word
    [[ $word == -*=* ]] && wanted=\${word#*=}
    prefix=
    if [[ $wanted == *[=:]* ]]; then prefix=\${wanted%"\${wanted##*[=:]}"}; fi
    for candidate in "\${answer[@]}"; do
        text=\${candidate%%$'\t'*}
        [[ $text == "$wanted"* ]] || continue
        candidates+=("$candidate")
        COMPREPLY+=("\${text#"$prefix"}")
    done
    # Where bash only lists (a second tab), it may show what each is for.
    if ((COMP_TYPE == 63 && \${#candidates[@]} > 1)); then
        COMPREPLY=()
        for candidate in "\${candidates[@]}"; do
            text=\${candidate%%$'\t'*}
            if [[ $candidate == *$'\t'* ]]; then
                COMPREPLY+=("$(printf '%-24s (%s)' "\${text#"$prefix"}" "\${candidate#*$'\t'}")")
            else
                COMPREPLY+=("\${text#"$prefix"}")
            fi
        done
    fi
    ((directive & 2)) && compopt -o nospace
    if ((directive & 4)); then
        compopt +o default
    elif ((\${#COMPREPLY[@]} == 0)) && [[ $word == -*=* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$wanted")
        compopt -o filenames
    fi
}

complete -o default -F _@PROGRAM@_complete @PROGRAM@
`;

const ZSH = String.raw`#compdef @PROGRAM@
# zsh completion for @PROGRAM@

_@PROGRAM@() {
    local directive line word
    local -a answer described
    word=\${words[CURRENT]}
    answer=("\${(@f)$(\${words[1]} @ASK@ "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    directive=\${answer[-1]#:}
    answer[-1]=()
    [[ $directive == <-> ]] || return 1
    ((directive & 1)) && return 1

    # A value behind its flag is what is completed, not the flag.
    if [[ $word == -*=* ]]; then compset -P '*='; fi
    for line in "\${answer[@]}"; do
        [[ -n $line ]] || continue
        # A colon ends the word in _describe's lists.
        line=\${line//:/\\:}
        described+=("\${line/$'\t'/:}")
    done
    local -a options
    ((directive & 2)) && options=(-S '')
    if ((\${#described})); then
        _describe -V 'candidates' described "\${options[@]}" && return 0
    fi
    ((directive & 4)) || _files
}

if [[ $funcstack[1] == _@PROGRAM@ ]]; then
    _@PROGRAM@ "$@"
else
    compdef _@PROGRAM@ @PROGRAM@
fi
`;

const FISH = `# fish completion for @PROGRAM@

function __@PROGRAM@_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l answer ($words[1] @ASK@ $words[2..-1] "$word" 2>/dev/null)
    test (count $answer) -gt 0; or return
    set -l directive (string replace -r '^:' '' -- $answer[-1])
    set -e answer[-1]
    test (math "bitand($directive, 1)") -eq 0; or return

    # A value behind its flag is completed with the flag before it.
    set -l flag (string match -r '^-[^=]*=' -- $word)
    for line in $answer
        echo "$flag$line"
    end
    if test (math "bitand($directive, 4)") -eq 0; and test (count $answer) -eq 0
        __fish_complete_path (string replace -- "$flag" '' $word)
    end
end

complete -c @PROGRAM@ -e
complete -c @PROGRAM@ -f -a '(__@PROGRAM@_complete)'
`;

const SCRIPTS: Record<Shell, string> = {
  bash: BASH.replaceAll("\\${", "${"),
  zsh: ZSH.replaceAll("\\${", "${"),
  fish: FISH,
};
