"""Penn Treebank's words, read from its three text files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnet.datasets.folders import folder_of

__all__ = ["load_ptb"]

PARTS = {"train": "train", "valid": "valid", "val": "valid", "test": "test"}


def load_ptb(
    path: str | os.PathLike[str], data_type: str = "train"
) -> tuple[NDArray[np.int64], dict[str, int], dict[int, str]]:
    r"""Return one part of Penn Treebank as the numbers of its words.

    Words are what blanks separate; the end of a line is the word <eos>. They are numbered as they
    first occur in the part to train with, whichever part is asked for.

    Parameters
    ----------
    path : str or path
        Folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt, of which the first is always
        read. Nothing is downloaded.
    data_type : str
        "train", "valid" (also "val") or "test".

    Returns
    -------
    corpus : (N,) int64
        Fresh.
    word_to_id, id_to_word : dict
        Of all words of the part to train with.

    Raises
    ------
    TypeError
        path is not a path.
    FileNotFoundError, NotADirectoryError
        path, or a file, does not exist; path is a file.
    ValueError
        data_type is another; a file has no words, is no text in UTF-8, or has a word that is not
        in the part to train with.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 2.4.4, which reads the files of Mikolov et
    al., Recurrent Neural Network Based Language Model: 10,000 words, rare ones as <unk>.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnet.datasets import load_ptb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for part, text in ("train", " you say goodbye \n i say hello \n"), ("test", " i say "):
    ...         with open(os.path.join(folder, f"ptb.{part}.txt"), "w") as file:
    ...             size = file.write(text)
    ...     corpus, word_to_id, id_to_word = load_ptb(folder)
    ...     test, _, _ = load_ptb(folder, "test")
    >>> [id_to_word[i] for i in corpus.tolist()]
    ['you', 'say', 'goodbye', '<eos>', 'i', 'say', 'hello', '<eos>']
    >>> test
    array([4, 1])
    """
    where = "load_ptb"
    folder = folder_of(where, path, "Penn Treebank's text files")
    part = PARTS.get(str(data_type))
    if part is None:
        raise ValueError(
            f"{where}: data_type must be 'train', 'valid' or 'test', got {data_type!r}. "
            "Give one of these."
        )
    # Both are looked for before the first is read: a missing file is told at once.
    files = {name: _found(folder, f"ptb.{name}.txt") for name in ("train", part)}
    words = _words(files["train"])
    word_to_id = {word: i for i, word in enumerate(dict.fromkeys(words))}
    if part != "train":
        words = _words(files[part])
        unknown = next((word for word in words if word not in word_to_id), None)
        if unknown is not None:
            raise ValueError(
                f"{where}: {files[part].name} must have the words of ptb.train.txt, got "
                f"{unknown!r}. Take the three files from one source."
            )
    corpus = np.array([word_to_id[word] for word in words], np.int64)
    return corpus, word_to_id, {i: word for word, i in word_to_id.items()}


def _found(folder: Path, name: str) -> Path:
    """Return a file of the folder, which must exist."""
    if not (folder / name).is_file():
        raise FileNotFoundError(
            f"load_ptb: path must hold {name}, got a folder without it: {str(folder)!r}. "
            "Put Penn Treebank's text files there under their usual names."
        )
    return folder / name


def _words(file: Path) -> list[str]:
    """Return the words of a file; the end of a line is one."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"load_ptb: {file.name} must be text in UTF-8, got {error.reason} at byte "
            f"{error.start}. Give the text file, not an archive of it."
        ) from None
    # In the files of Mikolov et al. blanks surround each line, so the book replaces "\n" by a bare
    # "<eos>"; blanks of its own keep the words whole where a file has none.
    words = text.replace("\n", " <eos> ").split()
    if not words:
        raise ValueError(f"load_ptb: {file.name} must have a word, got none. Download it again.")
    return words
