using System.CommandLine;

namespace Vivim.Cli.Commands;

/// <summary><c>vivim completion</c>: the script by which a shell completes command lines of vivim.</summary>
internal static class CompletionCommand
{
    // The parser itself knows what can follow: its directive [suggest:POSITION] lists that, one word a line.
    // Options are offered when the word begins with a dash.
    private const string Bash = """
        _vivim() {
          local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} words
          [[ $line == *' '* ]] && line=${line#* } || line=
          words=$("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2> /dev/null | grep -v '^/')
          [[ $word == -* ]] || words=$(grep -v '^-' <<< "$words")
          COMPREPLY=($(compgen -W "$words" -- "$word"))
        }
        complete -o default -F _vivim vivim ./vivim
        """;

    private const string Zsh = """
        _vivim() {
          local line="${(j: :)words[2,CURRENT]}"
          local -a found
          found=(${(f)"$("${words[1]}" "[suggest:${#line}]" "$line" 2> /dev/null | grep -v '^/')"})
          [[ ${words[CURRENT]} == -* ]] || found=(${found:#-*})
          if (( ${#found} )); then compadd -a found; else _files; fi
        }
        autoload -Uz compinit && (( $+functions[compdef] )) || compinit
        compdef _vivim vivim ./vivim
        """;

    public static Command Build(VivimCommand vivim) => new("completion", "Print the script that makes a shell complete vivim's commands")
    {
        Script(vivim, "bash", Bash, "eval \"$(vivim completion bash)\" in ~/.bashrc"),
        Script(vivim, "zsh", Zsh, "eval \"$(vivim completion zsh)\" in ~/.zshrc"),
    };

    private static Command Script(VivimCommand vivim, string shell, string script, string use) =>
        vivim.Run(new Command(shell, $"The script for {shell}: {use}"), (context, _) =>
        {
            context.Terminal.ShowLines(new { shell, script }, [.. script.Split('\n').Select(line => (PrintableLine)$"{line}")]);
            return Task.FromResult(VivimCommand.Success);
        });
}
