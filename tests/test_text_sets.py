"""Penn Treebank, and questions with answers: what is read, what is made, and every bad file."""

# ruff: noqa: NPY002  the book shuffles by NumPy's global generator

import datetime
import re

import numpy as np
import pytest
from refused import refused

from fastnet.datasets import load_ptb, load_sequence, make_addition, make_dates

PARTS = {
    "train": " you say goodbye \n i say hello \n",
    "valid": " i say goodbye \n",
    "test": " hello \n you \n",
}


# --------------------------------------------------------------------------- Penn Treebank


@pytest.fixture
def ptb(tmp_path):
    for part, text in PARTS.items():
        (tmp_path / f"ptb.{part}.txt").write_text(text)
    return tmp_path


def test_words_are_numbered_as_they_first_occur_in_training(ptb):
    words = ["you", "say", "goodbye", "<eos>", "i", "hello"]
    for data_type, want in {
        "train": [0, 1, 2, 3, 4, 1, 5, 3],
        "valid": [4, 1, 2, 3],
        "val": [4, 1, 2, 3],
        "test": [5, 3, 0, 3],
    }.items():
        corpus, word_to_id, id_to_word = load_ptb(str(ptb), data_type)
        assert corpus.dtype == np.int64 and corpus.flags.writeable
        assert corpus.tolist() == want
        assert list(word_to_id) == words and list(word_to_id.values()) == [*range(6)]
        assert id_to_word == {i: word for word, i in word_to_id.items()}
    assert load_ptb(ptb)[0].tolist() == load_ptb(ptb, "train")[0].tolist()


def test_the_end_of_a_line_is_a_word_without_blanks_too(ptb):
    (ptb / "ptb.train.txt").write_text("you say\nyou", newline="\n")
    corpus, word_to_id, _ = load_ptb(ptb)
    assert [*word_to_id] == ["you", "say", "<eos>"] and corpus.tolist() == [0, 1, 2, 0]


def test_bad_treebanks(ptb, tmp_path):
    refused(
        lambda: load_ptb(3),
        TypeError,
        "load_ptb: path must be a str or a path, got int. Give the folder that holds Penn "
        "Treebank's text files.",
    )
    refused(
        lambda: load_ptb(ptb, "dev"),
        ValueError,
        "load_ptb: data_type must be 'train', 'valid' or 'test', got 'dev'. Give one of these.",
    )
    rule = "load_ptb: path must be the folder that holds Penn Treebank's text files"
    file, missing = ptb / "ptb.test.txt", ptb / "none"
    refused(
        lambda: load_ptb(file),
        NotADirectoryError,
        f"{rule}, got a file: {str(file)!r}. Give that folder.",
    )
    refused(
        lambda: load_ptb(missing),
        FileNotFoundError,
        f"{rule}, got a path that does not exist: {str(missing)!r}. Give that folder.",
    )
    (ptb / "ptb.valid.txt").unlink()
    refused(
        lambda: load_ptb(ptb, "val"),
        FileNotFoundError,
        f"load_ptb: path must hold ptb.valid.txt, got a folder without it: {str(ptb)!r}. Put Penn "
        "Treebank's text files there under their usual names.",
    )
    file.write_text("you and me")
    refused(
        lambda: load_ptb(ptb, "test"),
        ValueError,
        "load_ptb: ptb.test.txt must have the words of ptb.train.txt, got 'and'. Take the three "
        "files from one source.",
    )
    file.write_text("  ")
    refused(
        lambda: load_ptb(ptb, "test"),
        ValueError,
        "load_ptb: ptb.test.txt must have a word, got none. Download it again.",
    )
    file.write_bytes(b"you\xff")
    refused(
        lambda: load_ptb(ptb, "test"),
        ValueError,
        "load_ptb: ptb.test.txt must be text in UTF-8, got invalid start byte at byte 3. Give the "
        "text file, not an archive of it.",
    )


# --------------------------------------------------------------------------- questions and answers

LINES = [f"{a}+{b} _{a + b:<2}" for a in range(5) for b in range(5)]


def written(ids, id_to_char):
    return ["".join(id_to_char[i] for i in row) for row in ids.tolist()]


def test_sequences_are_split_as_the_book_does(tmp_path):
    file = tmp_path / "sums.txt"
    file.write_text("".join(f"{line}\n" for line in LINES))
    order = np.arange(25)
    np.random.seed(7)
    np.random.shuffle(order)
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    for source in (file, str(file), LINES, tuple(LINES)):
        (x_train, t_train), (x_test, t_test), vocabulary = load_sequence(source, seed=7)
        char_to_id, id_to_char = vocabulary
        assert [*char_to_id] == [*"0+ _1234"[:5], "2", "3", "4", "5", "6", "7", "8"]
        assert id_to_char == {i: char for char, i in char_to_id.items()}
        assert x_train.shape == (23, 4) and t_train.shape == (23, 3)
        assert x_test.shape == (2, 4) and t_test.shape == (2, 3)
        assert {a.dtype for a in (x_train, t_train, x_test, t_test)} == {np.dtype(np.int64)}
        x, t = np.concatenate([x_train, x_test]), np.concatenate([t_train, t_test])
        lines = [q + a for q, a in zip(written(x, id_to_char), written(t, id_to_char), strict=True)]
        assert lines == [LINES[i] for i in order]
    assert (np.random.get_state()[1] == before).all()
    again = load_sequence(LINES, seed=8)
    assert (again[0][0] != x_train).any()
    np.random.seed(7)
    assert (load_sequence(LINES, seed=None)[0][0] == x_train).all()


def test_bad_sequences(tmp_path):
    where = "load_sequence: source must"
    refused(
        lambda: load_sequence([]),
        ValueError,
        f"{where} have a line, got none. Give one at least.",
    )
    refused(
        lambda: load_sequence(["1_2", 3]),
        TypeError,
        f"{where} be a list of str, got a int in it. Give lines of text.",
    )
    refused(
        lambda: load_sequence(3),
        TypeError,
        f"{where} be a path or a list of lines, got int. Give a file such as addition.txt.",
    )
    for lines, i in [
        (["12", "12"], 0),
        (["1_2", "11"], 1),
        (["1_2", "11_2"], 1),
        (["1_2", "1_22"], 1),
        (["_12"], 0),
    ]:
        refused(
            lambda lines=lines: load_sequence(lines),
            ValueError,
            f"{where} have questions of one length, then '_' and answers of one length, got "
            f"{lines[i]!r} in line {i + 1}, where line 1 is {lines[0]!r}. Fill them up with "
            "blanks.",
        )
    advice = "Give a file such as addition.txt, or a list of lines."
    refused(
        lambda: load_sequence(tmp_path),
        IsADirectoryError,
        f"{where} be a text file, got a folder: {str(tmp_path)!r}. {advice}",
    )
    file = tmp_path / "sums.txt"
    refused(
        lambda: load_sequence(file),
        FileNotFoundError,
        f"{where} be a text file, got a path that does not exist: {str(file)!r}. {advice}",
    )
    file.write_bytes(b"1_2\n\xff")
    refused(
        lambda: load_sequence(file),
        ValueError,
        f"{where} be text in UTF-8, got invalid start byte at byte 4 of {str(file)!r}. Give the "
        "text file, not an archive of it.",
    )
    refused(
        lambda: load_sequence(LINES, seed=-1),
        ValueError,
        "load_sequence: seed must be at least 0, got -1. Give such a number.",
    )


def test_sums_are_right_and_none_comes_twice():
    lines = make_addition(20_000)
    assert {len(line) for line in lines} == {12}
    parts = [re.fullmatch(r"(\d{1,3})\+(\d{1,3}) *_(\d{1,4}) *", line).groups() for line in lines]
    numbers = [tuple(map(int, found)) for found in parts]
    assert all(a + b == c for a, b, c in numbers)
    assert len({(min(a, b), max(a, b)) for a, b, _ in numbers}) == 20_000
    digits = np.bincount([len(a) for a, _, _ in parts])
    assert digits[1] > 500 and digits[2] > 5000 and digits[3] > 9000
    assert lines[:50] == make_addition(50) != make_addition(50, seed=1)
    (x, t), (x_test, _), (char_to_id, _) = load_sequence(make_addition(1000))
    assert x.shape == (900, 7) and t.shape == (900, 5) and len(x_test) == 100
    assert sorted(char_to_id) == sorted("0123456789+ _")


def test_dates_are_right_in_every_way_of_writing_them():
    lines = make_dates(4000)
    assert {len(line) for line in lines} == {40}
    formats = {"%m/%d/%y": 0, "%B %d, %Y": 0, "%b %d, %Y": 0, "%A, %B %d, %Y": 0}
    for line in lines:
        question, answer = line.split("_")
        day = datetime.date.fromisoformat(answer)
        assert 1970 <= day.year <= 2017
        for form in formats:
            # strptime reads any case, and takes 69 and more for the century before.
            try:
                found = datetime.datetime.strptime(question.strip(), form).date()
            except ValueError:
                continue
            assert found == day and (form != "%A, %B %d, %Y" or f"{day:%A}" in question.title())
            formats[form] += 1
    assert min(formats.values()) > 900
    assert sum(line.islower() for line in lines) > 600 < sum(line.isupper() for line in lines)
    assert lines[:50] == make_dates(50) != make_dates(50, seed=1)
    (x, t), _, (char_to_id, _) = load_sequence(lines)
    assert x.shape == (3600, 29) and t.shape == (3600, 11)
    assert set(t[:, 0].tolist()) == {char_to_id["_"]}


@pytest.mark.parametrize("make", [make_addition, make_dates])
def test_bad_numbers(make):
    name = make.__name__
    refused(
        lambda: make(0),
        ValueError,
        f"{name}: count must be at least 1, got 0. Give a positive int.",
    )
    refused(
        lambda: make(3, seed=1.5),
        TypeError,
        f"{name}: seed must be a whole number or None, got 1.5. Give an int.",
    )


def test_too_many_sums():
    refused(
        lambda: make_addition(100_001),
        ValueError,
        "make_addition: count must be at most 100000, got 100001. Give fewer.",
    )
