"""A class or function of a script's: counted, then tried on a small example and replaced."""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
import itertools
import types
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fastnet.dropin import known
from fastnet.dropin.idle import Watched
from fastnet.dropin.known import KNOWN, Known
from fastnet.dropin.methods import in_turn, of_targets, with_own
from fastnet.dropin.worth import all_calls

if TYPE_CHECKING:
    from fastnet.dropin.hook import _Dropin


class Replaced:
    """A class or function of the script's: its own code, then kernels from enough work on.

    The methods of a class are exchanged in place: so objects, subclasses and names that the script
    has taken are what they were. A function gets another before it, which asks the attribute `now`.
    """

    def __init__(self, dropin: _Dropin, module: ModuleType, name: str, known: str) -> None:
        self.dropin, self.name, self.title = dropin, known, f"{module.__name__}.{name}"
        self.own, self.known, self.decided = vars(module)[name], KNOWN[known], False
        self.owner = self.own if self.known.methods else self._function(module, name)
        found = {m: getattr(self.owner, m) for m in self.known.methods or ("now",)}
        # Of a class that inherits from one that was replaced before, the script's own, too.
        self.methods = {m: dropin.own.get(method, method) for m, method in found.items()}
        self.counted = {method: self._counted(method) for method in self.methods}
        self.answers = self.methods  # from the decision on kernels, where they answer
        for method, counted in self.counted.items():
            dropin.own[counted] = self.methods[method]
            dropin.put(self.owner, method, counted)

    def _function(self, module: ModuleType, name: str) -> types.SimpleNamespace:
        cell = types.SimpleNamespace(now=self.own)

        @functools.wraps(self.own)
        def call(*args: Any, **kwargs: Any) -> Any:
            return cell.now(*args, **kwargs)

        self.dropin.put(module, name, call)
        return cell

    def _counted(self, method: str) -> Any:
        """Return what stands there until there is enough work for the kernels."""
        dropin, own, operations = self.dropin, self.methods[method], self.known.operations

        @functools.wraps(own)
        def call(*args: Any, **kwargs: Any) -> Any:
            if dropin.trying or not dropin.changes:  # which are put back
                return own(*args, **kwargs)
            dropin.calls += 1
            dropin.operations += operations(method, args)
            if dropin.operations < known.ENOUGH:
                return own(*args, **kwargs)
            self.decide(method)
            return self.answers[method](*args, **kwargs)

        return call

    def decide(self, method: str) -> None:
        """Put kernels in the place of the script's own code, or that back for good.

        Not where the script has put something else there, which may call what it found there.
        """
        dropin = self.dropin
        with dropin.lock:
            if self.decided:  # by another thread
                return
            dropin.trying = True
            try:
                paused = (
                    contextlib.nullcontext() if dropin.report is None else dropin.report.paused()
                )
                with all_calls(), paused:
                    adapters, why = self._adapters()
            finally:
                dropin.trying = False
            answers = {**self.methods, **adapters}
            for name, answer in answers.items():
                if name in adapters and dropin.report is not None:
                    title = self.title if name == "now" else f"{self.title}.{name}"
                    answers[name] = answer = dropin.report.timed(answer, title, "kernels")
                dropin.own[answer] = self.methods[name]
                if vars(self.owner).get(name) is self.counted[name]:
                    dropin.put(self.owner, name, answer)
            self.answers, self.decided = answers, True
            if dropin.report is not None:
                dropin.report.kept[self.title] = why
            if adapters:
                dropin.take_over(self.title if method == "now" else f"{self.title}.{method}")

    def _adapters(self) -> tuple[dict[str, Any], str]:
        """Return fastnet's methods that do what the own ones do, or why there are none.

        numba is loaded here: a script that ends before does not wait for it.
        """
        with _without_collection():
            from fastnet.dropin import (
                attention,
                cells,
                first,
                functions,
                images,
                images_as_given,
                networks,
                optimizers,
                recurrence,
                second,
                sequences,
                words,
            )

        own = self._made_of(self.methods)
        try:
            axes, example, expected, watched = _answered(self.name, own)
            idle = watched.idle() if watched else ""
        except Exception as error:
            return {}, f"on a small example it raises {type(error).__name__}: {error}"
        if idle:
            return {}, f"on a small example its {idle} makes no difference"
        files = optimizers, functions, first, second, sequences, recurrence, cells, words
        for file in (*files, attention, images, images_as_given, networks):
            found = getattr(file, self.name, None)
            ours = found and self._alike(found, example, expected, watched)
            if ours:
                if axes:
                    method = next(iter(ours))  # forward, or the function itself
                    ours[method] = of_targets(axes, ours[method], self.methods[method])
                if axes == 2:  # no kernel takes rows there, but labels that forward let pass
                    ours.pop("backward", None)
                return ours, ""
        return {}, "on a small example it gives other numbers"

    def _alike(
        self, found: Any, example: Any, expected: Any, watched: Watched | None
    ) -> dict[str, Any] | None:
        """Return fastnet's methods, or its function, that answer alike; None where they do not.

        Where the script's own has other names for its attributes, the methods take those.
        """
        from fastnet.dropin.attributes import other_names

        given = {"now": found} if inspect.isfunction(found) else vars(found)

        def ours(names: dict[str, str]) -> dict[str, Any]:
            return {
                m: with_own(given[m], own, names) for m, own in self.methods.items() if m in given
            }

        def made(names: dict[str, str]) -> Any:
            return self._made_of({**self.methods, **ours(names)})

        names: dict[str, str] = {}
        if self._answers(example, expected, ours(names)):
            return ours(names)
        if watched is not None:
            names = other_names(self.known.arguments, example, watched, made)
        return ours(names) if names and self._answers(example, expected, ours(names)) else None

    def _answers(self, example: Any, expected: Any, ours: dict[str, Any]) -> bool:
        from fastnet.dropin.examples import alike, outcome

        try:
            return all(alike(expected, outcome(example, made)) for made in self._tried(ours))
        except Exception:
            return False  # the other edition's

    def _tried(self, ours: dict[str, Any]) -> Iterator[Any]:
        """Yield what has to answer a small example as the script's own does.

        With fastnet's methods alone; then with every other call answered by the script's own, as
        where kernels take over between forward and backward, or do not take an argument.
        """
        yield self._made_of({**self.methods, **ours})
        if self.known.methods:
            for first in (0, 1):
                turns = itertools.count(first)
                yield self._made_of(
                    {m: in_turn(turns, own, ours.get(m, own)) for m, own in self.methods.items()}
                )

    def _made_of(self, methods: dict[str, Any]) -> Any:
        """Return a class or function like the script's own, for a small example."""
        return methods["now"] if "now" in methods else type(self.name, (self.own,), {**methods})


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage while thousands of objects are made that stay: 0.17 s, and not 0.21."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _answered(name: str, own: Any) -> tuple[int, Any, Any, Watched | None]:
    """Try the examples: of all targets, else of those that the script's own takes.

    Returns the axes of these or 0, the example, the answer, and the objects that it made.
    """
    from fastnet.dropin.examples import EXAMPLES, OF_TARGETS, outcome

    raised = None
    for axes, example in {0: EXAMPLES[name], **OF_TARGETS.get(name, {})}.items():
        watched = Watched(own) if inspect.isclass(own) else None
        try:
            answer = outcome(example, watched or own)
            return axes, example, answer, watched
        except Exception as error:
            raised = raised or error
    assert raised is not None
    raise raised


def _arguments(function: Any) -> list[str]:
    """Return the names of what a function takes, "*" for what cannot be given by place or name."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a type made in C
        return ["*"]
    return [p.name if p.kind is p.POSITIONAL_OR_KEYWORD else "*" for p in parameters]


def other_arguments(known: Known, own: Any) -> str:
    """Say what takes more or fewer arguments than in the book, or is missing; else nothing.

    Their names may be others: the small example shows whether they mean the same. It says nothing
    of an argument that the book does not have, such as an SGD's weight_decay=0.
    """
    if inspect.isclass(own) != bool(known.methods) or not callable(own):
        return "it is another kind of thing"
    arguments = known.arguments.split()
    if not known.methods:
        given = _arguments(own)
        fits = len(given) == len(arguments) and "*" not in given
        return "" if fits else f"it takes ({', '.join(given)})"
    given = [] if own.__init__ is object.__init__ else _arguments(own.__init__)[1:]
    least = len(known.arguments.partition("[")[0].split())
    if not least <= len(given) <= len(arguments) or "*" in given:
        return f"its constructor takes ({', '.join(given)})"
    for method, arguments_of in known.methods.items():
        function = inspect.getattr_static(own, method, None)
        given = _arguments(function) if inspect.isfunction(function) else []
        if len(given) != 1 + len(arguments_of.split()) or "*" in given:
            return f"its {method} takes ({', '.join(given)})"
    return ""
