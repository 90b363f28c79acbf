"""Language models that write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from fastnet import checks
from fastnet.functions import softmax
from fastnet.textbook.second.language_models import BetterRnnlm, Rnnlm

__all__ = ["BetterRnnlmGen", "RnnlmGen"]


class RnnlmGen(Rnnlm):
    """An `Rnnlm` that writes.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 7.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import RnnlmGen
    >>> np.random.seed(0)
    >>> model = RnnlmGen(vocab_size=50, wordvec_size=8, hidden_size=8)
    >>> len(model.generate(start_id=3, skip_ids=[0], sample_size=20))
    20
    """

    def generate(
        self, start_id: int, skip_ids: Collection[int] | None = None, sample_size: int = 100
    ) -> list[int]:
        """Return a text: each word is drawn by what the model expects after those before it.

        Parameters
        ----------
        start_id : int
            The first word.
        skip_ids : numbers of words, optional
            Words that are not written: others are drawn in their place.
        sample_size : int
            Words, the first among them.

        Raises
        ------
        TypeError, ValueError, IndexError
            An argument is of another kind, or out of range.
        """
        return _written(self, start_id, skip_ids, sample_size)

    def get_state(self) -> tuple[Any, Any]:
        """Return the state h and c of the LSTM."""
        return self.lstm_layer.h, self.lstm_layer.c

    def set_state(self, state: tuple[Any, Any]) -> None:
        """Go on from a state that `get_state` returned."""
        self.lstm_layer.set_state(*state)


class BetterRnnlmGen(BetterRnnlm):
    """A `BetterRnnlm` that writes.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 7.1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import BetterRnnlmGen
    >>> np.random.seed(0)
    >>> model = BetterRnnlmGen(vocab_size=50, wordvec_size=8, hidden_size=8)
    >>> state = model.get_state()
    >>> text = model.generate(start_id=3, sample_size=20)
    >>> len(text), text[0]
    (20, 3)
    >>> model.set_state(state)
    """

    def generate(
        self, start_id: int, skip_ids: Collection[int] | None = None, sample_size: int = 100
    ) -> list[int]:
        """Return a text, as `RnnlmGen.generate` does."""
        return _written(self, start_id, skip_ids, sample_size)

    def get_state(self) -> list[tuple[Any, Any]]:
        """Return the states h and c of the LSTMs."""
        return [(layer.h, layer.c) for layer in self.lstm_layers]

    def set_state(self, states: list[tuple[Any, Any]]) -> None:
        """Go on from states that `get_state` returned."""
        for layer, state in zip(self.lstm_layers, states, strict=True):
            layer.set_state(*state)


def _written(
    model: Any, start_id: int, skip_ids: Collection[int] | None, sample_size: int
) -> list[int]:
    where, words = f"{type(model).__name__}.generate", len(model.params[0])
    sample_size = checks.count(where, "sample_size", sample_size)
    start = int(checks.word_numbers(where, "start_id", [start_id], words)[0])
    skipped: set[int] = set()
    if skip_ids is not None and len(skip_ids):
        skipped = set(checks.word_numbers(where, "skip_ids", [*skip_ids], words).tolist())
    if len(skipped) >= words:
        raise ValueError(
            f"{where}: skip_ids must leave a word, got all {words}. Leave some of them out."
        )
    found, x = [start], start
    while len(found) < sample_size:
        p = softmax(model.predict(np.array([[x]])).reshape(-1))
        drawn_ = int(np.random.choice(words, size=1, p=p)[0])  # noqa: NPY002
        if drawn_ not in skipped:
            x = drawn_
            found.append(x)
    return found
