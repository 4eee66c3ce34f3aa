// What `completion bash`, `zsh` and `fish` have in common: they print a script.
import { completionScript, type Shell } from "../../completion/scripts.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

const SETTING_UP: Record<Shell, string> = {
  bash: `This script depends on the 'bash-completion' package.
If it is not installed already, you can install it via your OS's package manager.

To load completions in your current shell session:

	source <(docker completion bash)

To load completions for every new session, execute once:

#### Linux:

	docker completion bash > /etc/bash_completion.d/docker

#### macOS:

	docker completion bash > $(brew --prefix)/etc/bash_completion.d/docker`,
  zsh: `If shell completion is not already enabled in your environment you will need
to enable it.  You can execute the following once:

	echo "autoload -U compinit; compinit" >> ~/.zshrc

To load completions in your current shell session:

	source <(docker completion zsh)

To load completions for every new session, execute once:

#### Linux:

	docker completion zsh > "\${fpath[1]}/_docker"

#### macOS:

	docker completion zsh > $(brew --prefix)/share/zsh/site-functions/_docker`,
  fish: `To load completions in your current shell session:

	docker completion fish | source

To load completions for every new session, execute once:

	docker completion fish > ~/.config/fish/completions/docker.fish`,
};

export function completionCommand(shell: Shell) {
  return command({
    synopsis: shell === "bash" ? "" : "[flags]",
    about: `Generate the autocompletion script for the ${shell} shell.

${SETTING_UP[shell]}

You will need to start a new shell for this setup to take effect.`,
    args: { exactly: 0 },
    flags: { "no-descriptions": flag.bool("disable completion descriptions") },
    run: async (session, { flags }) =>
      session.out.write(completionScript(shell, session.program, !flags["no-descriptions"])),
  });
}
