"""Recurrent layers over whole sequences, by hand: forward and backward in one."""

import numpy as np

from . import DTYPES, IMPLEMENTATIONS, assert_close, numbers, part, ratios

# Sequences a batch, steps, features, units: the book's language model, its seq2seq, a large one.
SEQUENCES = {
    "20-35-100-100": (20, 35, 100, 100),
    "128-7-16-128": (128, 7, 16, 128),
    "20-35-650-650": (20, 35, 650, 650),
}


class Recurrence:
    param_names = ["implementation", "dtype", "sequences"]
    params = [IMPLEMENTATIONS, DTYPES, [*SEQUENCES]]
    layer, gates = "TimeLSTM", 4

    def setup(self, implementation, dtype, sequences):
        n, steps, d, h = SEQUENCES[sequences]
        columns = self.gates * h
        weights = numbers(dtype, d, columns), numbers(dtype, h, columns), numbers(dtype, columns)
        weights = [(weight / np.sqrt(h)).astype(dtype) for weight in weights]
        self.x, self.dout = numbers(dtype, n, steps, d), numbers(dtype, n, steps, h)
        results = []
        for side in IMPLEMENTATIONS:
            layer = getattr(part(side, "layers"), self.layer)(*[w.copy() for w in weights])
            results.append([layer.forward(self.x), layer.backward(self.dout), *layer.grads])
            if side == implementation:
                self.made = layer
        for theirs, ours in zip(*results, strict=True):
            assert_close(ours, theirs)

    def run(self):
        self.made.forward(self.x)
        self.made.backward(self.dout)


class Lstm(Recurrence):
    def time_lstm(self, *_):
        self.run()


class Gru(Recurrence):
    layer, gates = "TimeGRU", 3

    def time_gru(self, *_):
        self.run()


class Rnn(Recurrence):
    layer, gates = "TimeRNN", 1

    def time_rnn(self, *_):
        self.run()


MIDDLE = {"sequences": ["20-35-100-100"]}
LstmRatio, GruRatio, RnnRatio = (ratios(kind, **MIDDLE) for kind in (Lstm, Gru, Rnn))
