"""Why a benchmark jumped: the commits between two measurements, and what is noted at them.

The note of a commit is the first line of its `git notes`, where it has one, else the subject of its
message.
"""

import re
import subprocess
from typing import NamedTuple

# What figures depend on; the rest of a repository is tests, words, and how both are made.
BENCHMARKS = (
    "asv_benchmarks/benchmarks/",
    *(f"asv_benchmarks/{name}.py" for name in ("arguments", "ceilings", "explain", "families")),
    *(f"asv_benchmarks/{name}.py" for name in ("timing", "verdicts", "work")),
)
MEASURED = ("kernels/", "fastnet/", "pyproject.toml", *BENCHMARKS)
FORMAT = "%x01%H%x00%s%x00%N%x02"


class Commit(NamedTuple):
    hash: str
    note: str
    has_note: bool
    files: tuple[str, ...]


class History:
    """The commits of a repository, asked for once each range."""

    def __init__(self, repository):
        self.repository, self.known = repository, {}

    def between(self, old, new):
        """Return the commits after old up to new, newest first; none where git knows them not."""
        if (old, new) not in self.known:
            command = ["git", "-C", str(self.repository), "log", "--notes", "--name-only"]
            command += [f"--format={FORMAT}", f"{old}..{new}"]
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
            found = done.stdout.split("\x01")[1:] if done.returncode == 0 else []
            self.known[old, new] = [parsed(text) for text in found]
        return self.known[old, new]


def parsed(text):
    head, _, files = text.partition("\x02")
    name, subject, note = head.split("\x00")
    lines = note.strip().splitlines()
    return Commit(name, lines[0] if lines else subject, bool(lines), tuple(files.split()))


def about(commit, names):
    """Tell whether a commit says or touches one of some names: a kernel's, a word's."""
    said = re.split(r"[^a-z0-9_]+", commit.note.lower())
    touched = (part.removesuffix(".py") for file in commit.files for part in file.split("/"))
    return not {*names}.isdisjoint(said) or not {*names}.isdisjoint(touched)


def cause(history, old, new, names):
    """Return [(hash, note)] of what may have caused a jump, how many commits there were, and True.

    One commit since the last measurement is the cause. Of more, those count whose git note names
    the benchmark; where there are none, those that say or touch it; else all. False in the place of
    True: none has a note, nor touched what is measured.
    """
    commits = history.between(old, new)
    noted = [commit for commit in commits if commit.has_note and about(commit, names)]
    near = noted or [commit for commit in commits if about(commit, names)] or commits
    measured = any(
        commit.has_note or any(file.startswith(MEASURED) for file in commit.files)
        for commit in commits
    )
    return [(commit.hash, commit.note) for commit in near], len(commits), measured
