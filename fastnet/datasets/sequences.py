"""Questions and answers, character by character: the book's files, and two sets made by a seed."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastnet import checks

__all__ = ["load_sequence", "make_addition", "make_dates"]

Ids: TypeAlias = NDArray[np.int64]

MOST_SUMS = 100_000
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST, LAST = datetime.date(1970, 1, 1).toordinal(), datetime.date(2017, 12, 31).toordinal()
CASES = (str, str, str.lower, str.upper)  # as written, twice as often as either other


def load_sequence(
    source: str | os.PathLike[str] | Sequence[str], seed: int | None = 1984
) -> tuple[tuple[Ids, Ids], tuple[Ids, Ids], tuple[dict[str, int], dict[int, str]]]:
    """Return questions and answers as the numbers of their characters, shuffled and split.

    A line is a question and an answer, which begins with "_". All questions are equally long, and
    so are all answers: blanks fill them up. Characters are numbered as they first occur.

    Parameters
    ----------
    source : str or path, or list of str
        A text file such as the book's addition.txt and date.txt, or its lines.
    seed : int, optional
        Of the shuffling, which is the book's. None: NumPy's global generator shuffles, as it
        stands.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        x (N, Q) and t (N, A), int64; a tenth of the lines, rounded down, is for the test. t begins
        with the number of "_".
    char_to_id, id_to_char : dict

    Raises
    ------
    TypeError
        source or seed is of another kind.
    FileNotFoundError, IsADirectoryError
        source is a path at which there is no file.
    ValueError
        There is no line, or one has no "_" or parts of other lengths than the first; the file is no
        text in UTF-8, or seed is negative.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 7.2, whose split is the same for the same
    file and seed. The book seeds NumPy's global generator for it; here that stays as it is.

    Examples
    --------
    >>> from fastnet.datasets import load_sequence
    >>> lines = ["1+2 _3 ", "7+5 _12", "9+9 _18", "4+0 _4 "]
    >>> (x, t), test, (char_to_id, id_to_char) = load_sequence(lines)
    >>> x.shape, t.shape
    ((4, 4), (4, 3))
    >>> "".join(id_to_char[i] for i in x[0].tolist())
    '9+9 '
    """
    where = "load_sequence"
    seed = checks.seed(where, seed)
    lines = _lines(where, source)
    split, size = lines[0].find("_"), len(lines[0])
    for i, line in enumerate(lines):
        if line.find("_") != split or len(line) != size or split < 1:
            raise ValueError(
                f"{where}: source must have questions of one length, then '_' and answers of one "
                f"length, got {line!r} in line {i + 1}, where line 1 is {lines[0]!r}. Fill them up "
                "with blanks."
            )
    char_to_id = {char: i for i, char in enumerate(dict.fromkeys("".join(lines)))}
    codes = np.frombuffer("".join(lines).encode("utf-32-le"), "<u4").reshape(-1, size)
    numbers = np.zeros(int(codes.max()) + 1, np.int64)
    numbers[[ord(char) for char in char_to_id]] = range(len(char_to_id))
    order = np.arange(len(lines))
    # The book's own generator: another one would split otherwise.
    generator = np.random if seed is None else np.random.RandomState(seed)
    generator.shuffle(order)
    ids = numbers[codes[order]]
    x, t, kept = ids[:, :split].copy(), ids[:, split:].copy(), len(lines) - len(lines) // 10
    return (
        (x[:kept], t[:kept]),
        (x[kept:], t[kept:]),
        (char_to_id, {i: char for char, i in char_to_id.items()}),
    )


def make_addition(count: int = 50_000, seed: int = 0) -> list[str]:
    """Return lines with sums of two numbers of one to three digits, in the format of the book's.

    Parameters
    ----------
    count : int
        How many lines, 100,000 at most. No two lines have the same two numbers, in either order.
        The lines of a smaller count are the first ones of a larger.
    seed : int

    Returns
    -------
    list of str
        Seven characters, then "_" and four more, such as "75+22  _97  ": see `load_sequence`.

    Raises
    ------
    TypeError, ValueError
        count or seed is no such number.

    Examples
    --------
    >>> from fastnet.datasets import make_addition
    >>> make_addition(3)
    ['841+41 _882 ', '42+3   _45  ', '8+1    _9   ']
    """
    where = "make_addition"
    count = checks.count(where, "count", count)
    if count > MOST_SUMS:
        raise ValueError(f"{where}: count must be at most {MOST_SUMS}, got {count}. Give fewer.")
    rng = np.random.default_rng(checks.seed(where, seed))
    sums: dict[tuple[int, int], str] = {}
    while len(sums) < count:  # as many digits as often as one: short sums are not rare
        numbers = rng.integers(0, 10 ** rng.integers(1, 4, (1024, 2)))
        for a, b in numbers.tolist():
            sums.setdefault((min(a, b), max(a, b)), f"{f'{a}+{b}':7}_{a + b:<4}")
    return list(sums.values())[:count]


def make_dates(count: int = 50_000, seed: int = 0) -> list[str]:
    """Return lines with dates of 1970 to 2017 as people write them, in the format of the book's.

    Parameters
    ----------
    count : int
    seed : int

    Returns
    -------
    list of str
        29 characters, then "_" and the date as YYYY-MM-DD: see `load_sequence`. A question is
        "9/27/94", "September 27, 1994", "Sep 27, 1994" or "Tuesday, September 27, 1994"; a quarter
        of those with words is in small letters, and another quarter in capitals.

    Raises
    ------
    TypeError, ValueError
        count or seed is no such number.

    Examples
    --------
    >>> from fastnet.datasets import make_dates
    >>> for line in make_dates(3):
    ...     print(line)
    october 31, 2010             _2010-10-31
    Dec 13, 1982                 _1982-12-13
    8/12/73                      _1973-08-12
    """
    where = "make_dates"
    count = checks.count(where, "count", count)
    rng = np.random.default_rng(checks.seed(where, seed))
    drawn = rng.integers([FIRST, 0, 0], [LAST + 1, 4, len(CASES)], (count, 3))
    lines = []
    for number, way, case in drawn.tolist():
        day = datetime.date.fromordinal(number)
        month = MONTHS[day.month - 1]
        text = f"{month[:3] if way == 1 else month} {day.day}, {day.year}"
        if way == 0:
            text = f"{day.month}/{day.day}/{day.year % 100:02}"
        elif way == 3:
            text = f"{DAYS[day.weekday()]}, {text}"
        lines.append(f"{CASES[case](text):29}_{day.isoformat()}")
    return lines


def _lines(where: str, source: str | os.PathLike[str] | Sequence[str]) -> list[str]:
    """Return the lines of a file, or of a list, without their ends; one at least."""
    if isinstance(source, (list, tuple)):
        for line in source:
            if not isinstance(line, str):
                raise TypeError(
                    f"{where}: source must be a list of str, got a {type(line).__name__} in it. "
                    "Give lines of text."
                )
        lines = list(source)
    elif isinstance(source, (str, os.PathLike)):
        file = Path(source)
        if not file.is_file():
            error, what = (
                (IsADirectoryError, "a folder")
                if file.is_dir()
                else (FileNotFoundError, "a path that does not exist")
            )
            raise error(
                f"{where}: source must be a text file, got {what}: {str(source)!r}. Give a file "
                "such as addition.txt, or a list of lines."
            )
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error_:
            raise ValueError(
                f"{where}: source must be text in UTF-8, got {error_.reason} at byte "
                f"{error_.start} of {str(source)!r}. Give the text file, not an archive of it."
            ) from None
    else:
        raise TypeError(
            f"{where}: source must be a path or a list of lines, got {type(source).__name__}. "
            "Give a file such as addition.txt."
        )
    if not lines:
        raise ValueError(f"{where}: source must have a line, got none. Give one at least.")
    return lines
