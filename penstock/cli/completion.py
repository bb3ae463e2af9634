"""`penstock completion`: the script that lets a shell complete verbs, options and types."""

import click
from click.shell_completion import get_completion_class

from penstock.cli.main import verbs

VARIABLE = "_PENSTOCK_COMPLETE"


@click.command("completion", epilog="Example: penstock completion bash > ~/.penstock-completion.sh")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that lets your shell complete verbs, options and types.

    bash: add `eval "$(penstock completion bash)"` to ~/.bashrc; zsh: add `eval "$(penstock completion zsh)"` to
    ~/.zshrc; fish: `penstock completion fish > ~/.config/fish/completions/penstock.fish`.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}", click.get_current_context())
    click.echo(kind(verbs, {}, "penstock", VARIABLE).source())
