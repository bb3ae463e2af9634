"""What is wrong with a command that was typed, in one line: what, where, and what to do."""

import difflib
from collections.abc import Iterable

import click


class UnknownVerb(click.UsageError):
    """Nothing of ours is called so."""

    def __init__(self, word: str, known: Iterable[str], context: click.Context) -> None:
        near = suggest(word, known, otherwise="`penstock --help` lists them")
        super().__init__(f"no verb {word[:100]}; {near}", context)


def explain(error: click.ClickException) -> str:
    """`penstock VERB: what is wrong; what to do`."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return f"penstock: {_plain(error.format_message())}"
    return f"{context.command_path}: {_wrong(error, context)}"


def suggest(word: str, known: Iterable[str], *, otherwise: str) -> str:
    """The known word that is nearest, or what to do where none is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else otherwise


def _wrong(error: click.ClickException, context: click.Context) -> str:
    see = f"see `{context.command_path} --help`"
    match error:
        case UnknownVerb():
            return error.message
        case click.NoSuchOption(option_name=name):
            return f"no option {name}; {suggest(name, _options(context), otherwise=see)}"
        case click.MissingParameter(param=param) if param is not None:
            return f"{_name(param)} is missing; `{context.command_path} --help` shows an example"
        case click.BadParameter(param=param, message=message) if param is not None:
            return f"{_name(param)}: {_plain(message)}"
        case click.BadOptionUsage(option_name=name):
            wrong = _plain(error.message).removeprefix(f"option '{name}' ")
            return f"{name} {wrong}; {see}"
    return f"{_plain(error.format_message())}; {see}"


def _options(context: click.Context) -> Iterable[str]:
    for param in context.command.get_params(context):
        if isinstance(param, click.Option) and not param.hidden:
            yield from param.opts


def _name(param: click.Parameter) -> str:
    return (
        max(param.opts, key=len)
        if isinstance(param, click.Option)
        else param.human_readable_name.rstrip(".")
    )


def _plain(message: str) -> str:
    """The sentence as we would write it: one line, no full stop."""
    line = " ".join(message.split()).removesuffix(".")
    return line[:1].lower() + line[1:]
