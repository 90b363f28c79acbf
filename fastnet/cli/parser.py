"""How the command line is read: its words, and what is said of a wrong one."""

from __future__ import annotations

import argparse
import csv
import math
import re
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from fastnet.cli.messages import near, nearest

ELSEWHERE = {"--learning-rate": "--lr", "--max-iter": "--epochs", "--random-state": "--seed"}


class _Formatter(argparse.HelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Fill a description; examples and lists keep their lines."""
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """A parser that refuses with one line."""

    lists: Callable[[], str] | None = None  # what the help ends with, found out when it is asked

    def __init__(self, **given: Any) -> None:
        given = {"allow_abbrev": False, "formatter_class": _Formatter, **given}
        super().__init__(**given)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what a command does not take by its own name, not by that of them all."""
        found, rest = super().parse_known_args(args, namespace)
        if rest and self._subparsers is None:
            self._refuse_unknown(rest)
        return found, rest

    def _refuse_unknown(self, rest: list[str]) -> NoReturn:
        name = next((word.partition("=")[0] for word in rest if word.startswith("-")), "")
        known = [*self._option_string_actions]
        meant = ELSEWHERE[name] if ELSEWHERE.get(name) in known else nearest(name, known, 0.75)
        advice = f"Did you mean {meant}?" if meant else f"Run {self.prog} --help."
        rule = "arguments must be some that the command takes"
        self.error(f"{rule}, got {shlex.join(rest)}. {advice}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            names = [*action.choices]
            rule = f"COMMAND must be one of {', '.join(names)}"
            self.error(f"{rule}, got {value!r}. {near(value, names)}")
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line, in place of the usage's many."""
        message = " ".join(re.sub(r"^argument ([^:]+): must ", r"\1 must ", message).splitlines())
        advice = "" if message.endswith((".", "?")) else f". Run {self.prog} --help."
        self.exit(2, f"{self.prog}: {message}{advice}\n")

    def format_help(self) -> str:
        """Return the help, with the lists that are read from the code when they are asked for."""
        return super().format_help() + (f"\n{self.lists()}\n" if self.lists else "")


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    about: str,
    description: str,
    examples: list[str],
) -> Any:
    """Add a command, with examples below its help, and return its parser."""
    shown = "\n".join(f"  fastnet {name}{' ' * bool(one)}{one}" for one in examples)
    made = commands.add_parser(
        name, help=about, description=description, epilog=f"examples:\n{shown}"
    )
    made.set_defaults(run=run, called=name, json=False)
    return made


def add_json(parser: Any, what: str) -> None:
    """Add --json."""
    text = f"one line of JSON on standard output and nothing else: {what}"
    parser.add_argument("--json", action="store_true", help=text)


def number(kind: Callable[[str], Any], least: float, rule: str) -> Callable[[str], Any]:
    """Return a reader of one number above least, for an option."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least < value < math.inf:  # NaN, too, is refused
            raise argparse.ArgumentTypeError(f"must be {rule}, got {text!r}. Give another value.")
        return value

    return read


count = number(int, 0, "a whole number, 1 or more")
positive = number(float, 0, "a positive number")
seeds = number(int, -1, "a whole number, 0 or more")


def fraction(text: str) -> float:
    """Read a part of the whole, above 0 and below 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        rule = "must be a fraction above 0 and below 1"
        raise argparse.ArgumentTypeError(f"{rule}, got {text!r}. Give a number such as 0.2.")
    return value


def sizes(text: str) -> list[int]:
    """Read "50,50"."""
    try:
        return [count(size) for size in text.split(",")]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"must be the layers' numbers of units, got {text!r}. Give them with commas: 50,50."
        ) from None


def names(text: str) -> list[str]:
    """Read names of columns, with commas between them; quoted where a name has one."""
    found = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [""])]
    if not all(found):
        rule = "must be names with commas between them"
        raise argparse.ArgumentTypeError(f"{rule}, got {text!r}. Give them like this: age,city.")
    return found


def pixels(text: str) -> tuple[int, int]:
    """Read the size of images, "28x28": width and height."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if not found:
        rule = "must be a width and a height in pixels"
        raise argparse.ArgumentTypeError(f"{rule}, got {text!r}. Give them like this: 28x28.")
    return int(found[1]), int(found[2])


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a reader of one of the names."""

    def read(text: str) -> str:
        if text not in choices:
            rule = f"must be {' or '.join(choices)}"
            raise argparse.ArgumentTypeError(f"{rule}, got {text!r}. Give one of these names.")
        return text

    read.choices = choices  # type: ignore[attr-defined]  # for the shell's completion
    return read


class Part(NamedTuple):
    """A part of a training by its name, with numbers of its own."""

    name: str
    given: dict[str, float | None]

    def __str__(self) -> str:
        """Return what was typed."""
        numbers = ",".join(f"{key}={_short(value)}" for key, value in self.given.items())
        return f"{self.name}:{numbers}" if numbers else self.name


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def part(text: str) -> Part:
    """Read "adam" or "adam:beta1=0.8,weight_decay=1e-4"."""
    name, colon, rest = text.partition(":")
    given: dict[str, float | None] = {}
    try:
        for pair in rest.split(",") if colon else []:
            key, value = pair.split("=")
            if not key or key in given:
                raise ValueError
            given[key] = None if value.lower() == "none" else _read_number(value)
        if not name:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a name, or a name with numbers of its own, got {text!r}. Give it like this: "
            f"{name or 'adam'}:name=0.5,name=0.1."
        ) from None
    return Part(name, given)


def _read_number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)
