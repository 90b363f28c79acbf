"""One side of a comparison: a process in which fastnet is a commit's, and benchmarks are timed."""

import importlib
import importlib.util
import itertools
import json
import os
import pkgutil
import re
import sys
import time
import timeit
from pathlib import Path

import numpy as np

BATCH = 1e-3  # seconds between two looks at the clock, which costs 0.3 us


def discover(words=None):
    """Return {name: (class, method, parameters)} of the benchmarks with a control, and the errors.

    `words` are the files to look into, None for all; errors are {word: what its import raised}.
    """
    package = importlib.import_module("asv_benchmarks.benchmarks")
    found, errors = {}, {}
    for word in words or [module.name for module in pkgutil.iter_modules(package.__path__)]:
        try:
            module = importlib.import_module(f"{package.__name__}.{word}")
        except (ImportError, AttributeError) as error:  # of a commit without the file's subject
            errors[word] = error
            continue
        for cls in vars(module).values():
            names = getattr(cls, "param_names", None)
            if not names or names[0] != "implementation" or cls.__module__ != module.__name__:
                continue
            for method in filter(re.compile("time_").match, dir(cls)):
                for values in itertools.product(*cls.params[1:]):
                    shown = f"({', '.join(map(str, values))})" if values else ""
                    found[f"{word}.{cls.__name__}.{method}{shown}"] = cls, method, values
    return found, errors


def prepared(name):
    """Return timer and number of calls a look at the clock, of fastnet's body and the control."""
    word = name.partition(".")[0]
    found, errors = discover([word])
    if name not in found:
        raise errors.get(word) or LookupError("the file has no such benchmark")
    cls, method, values = found[name]
    turns = []
    for implementation in ("fastnet", "numpy"):
        benchmark = cls()
        benchmark.setup(implementation, *values)
        body = getattr(benchmark, method)
        body()
        timer = timeit.Timer(body, timer=time.thread_time)  # and no garbage collection
        number = max(1, round(BATCH / min(timer.timeit(1) for _ in range(3))))
        turns.append((timer, number))
    return turns


def least_times(turns, seconds):
    """Return the least CPU seconds of a call of each, in alternation for so long, or once."""
    least = [np.inf] * len(turns)
    end = time.thread_time() + seconds
    while True:
        for i, (timer, number) in enumerate(turns):
            least[i] = min(least[i], timer.timeit(number) / number)
        if time.thread_time() >= end:
            return least


def child():
    """Answer the parent's questions, a line each, until it has no more.

    Answers are the names of all benchmarks; null when one is prepared, or why it cannot be; or
    the least times of that one.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a commit's code prints is no answer
    if hasattr(os, "sched_setaffinity"):  # a move between cores is not to be measured
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    site = sys.argv[1]
    import fastnet

    if Path(site) not in Path(fastnet.__file__).resolve().parents:
        sys.exit(f"{fastnet.__file__} was imported, which is not in {site}")
    turns = []
    for line in sys.stdin:
        question, *about = json.loads(line)
        answer = None
        if question == "names":
            answer = list(discover()[0])
        elif question == "time":
            answer = least_times(turns, *about)
        else:
            turns = []  # their arrays go before others come
            try:
                turns = prepared(*about)
            except Exception as error:  # whatever another commit's fastnet does with this body
                answer = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        print(json.dumps(answer), file=answers, flush=True)
