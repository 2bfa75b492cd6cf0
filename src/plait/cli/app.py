"""The commands, put together.

A command imports what it runs only when it runs: `plait --help` and errors of the command line must
not wait for torch.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from plait.cli.advise import advise
from plait.cli.compare import compare
from plait.cli.demo import demo
from plait.cli.diagnose import diagnose
from plait.cli.doctor import doctor
from plait.cli.evaluate import evaluate
from plait.cli.explain import explain
from plait.cli.init import init
from plait.cli.list import list_methods
from plait.cli.predict import predict
from plait.cli.report import report
from plait.cli.reproduce import reproduce
from plait.cli.train import train
from plait.cli.tune import tune
from plait.core.launched import complain
from plait.core.plain_warnings import plain_warnings
from plait.core.signals import exit_code


class Commands(TyperGroup):
    """Says how a command was interrupted; typer would end with 130 at any signal, in silence."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            with plain_warnings():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            from plait.training.interrupt import Interrupted

            number = error.signal if isinstance(error, Interrupted) else signal.SIGINT
            complain(str(error) if error.args else "interrupted", exit_code(number))
            sys.exit(exit_code(number))


app = typer.Typer(name="plait", cls=Commands, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def plait(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Train one network for several tasks, and see whether it helped."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("plait"))
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


app.command()(demo)
app.command()(advise)
app.command()(compare)
app.command()(init)
app.command()(explain)
app.command()(diagnose)
app.command()(train)
app.command()(tune)
app.command()(predict)
app.command()(evaluate)
app.command()(report)
app.command()(doctor)
app.command()(reproduce)
app.command(name="list")(list_methods)
