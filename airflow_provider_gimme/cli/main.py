"""The command ``gimme``: what its subcommands are and what they take."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from airflow_provider_gimme import __version__
from airflow_provider_gimme.errors import GimmeError, WorkflowError

__all__ = ["main", "parser"]

OK, PROBLEMS, USAGE = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each subcommand is a module of this package with a function ``run``."""
    top = argparse.ArgumentParser(prog="gimme", description="Orchestrate any REST API on Airflow from a YAML file.")
    top.add_argument("--version", action="version", version=f"gimme {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    validate = _command(commands, "validate", "check workflow files and folders; exit status 1 on problems")
    validate.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a workflow file, or a folder of them")
    plan = _command(commands, "plan", "show phases, groups, the critical path and the next runs of a workflow")
    plan.add_argument("file", type=Path, metavar="FILE", help="a workflow file")
    render = _command(commands, "render", "show the request of a step as it would be sent, secrets as $NAME")
    render.add_argument("file", type=Path, metavar="FILE", help="a workflow file")
    render.add_argument("step", metavar="STEP", help="the name of a step")
    render.add_argument(
        "--data",
        type=Path,
        metavar="DATA",
        help="a YAML or JSON file with 'inputs', with 'steps', the outputs of earlier steps, and with 'state'",
    )
    commands.add_parser("schema", help="print the JSON Schema of a workflow file, for editors")
    commands.add_parser("reference", help="print the reference of the workflow language, as Markdown")
    return top


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    command.add_argument(
        "--environment", default=os.environ.get("GIMME_ENV") or None, metavar="NAME",
        help="the overlay of 'environments' to use (default: $GIMME_ENV)",
    )  # fmt: skip
    command.add_argument(
        "--functions",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder with gimme_*.py files (repeatable)",
    )
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 fine, 1 problems in a file, 2 a wrong call."""
    # Pydantic would look through all installed packages for plugins, which the models do not use.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(100_000)  # what is imported stays: looking through it again and again takes a tenth of the time
    options = parser().parse_args(arguments)
    command = import_module(f"airflow_provider_gimme.cli.{options.command}")
    try:
        status: int = command.run(options)
    except WorkflowError as error:
        print(error)
        return PROBLEMS
    except BrokenPipeError:  # who reads has read enough; the end of Python would try to write the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (GimmeError, OSError) as error:
        told = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        print(f"gimme {options.command}: {told}", file=sys.stderr)
        return USAGE
    return status


if __name__ == "__main__":
    sys.exit(main())
