"""Recurrent layers over whole sequences: forward and backward, which are a kernel each."""

import numpy as np

from . import DTYPES, IMPLEMENTATIONS, assert_close, numbers, part, ratios

# Sequences a batch, steps, features, units: the book's language model, its seq2seq, a large one.
SEQUENCES = {
    "20-35-100-100": (20, 35, 100, 100),
    "128-7-16-128": (128, 7, 16, 128),
    "20-35-650-650": (20, 35, 650, 650),
}
GATES = {"TimeRNN": 1, "TimeLSTM": 4, "TimeGRU": 3, "TimeBiLSTM": 4}
LAYERS = [*GATES, "SimpleRNN", "LSTM", "GRU", "Bidirectional"]


def layer_of(layers, name, dtype, steps, d, h):
    if name not in GATES:
        kind = layers.LSTM if name == "Bidirectional" else getattr(layers, name)
        made = kind(h, return_sequences=True)
        made = layers.Bidirectional(made) if name == "Bidirectional" else made
        made.build((steps, d), np.random.default_rng(0), dtype)
        return made
    columns = GATES[name] * h
    shapes = [(d, columns), (h, columns), (columns,)] * (2 if name == "TimeBiLSTM" else 1)
    return getattr(layers, name)(
        *[(numbers(dtype, *shape) / np.sqrt(h)).astype(dtype) for shape in shapes]
    )


class Recurrence:
    param_names = ["implementation", "dtype", "sequences", "layer"]
    params = [IMPLEMENTATIONS, DTYPES, [*SEQUENCES], LAYERS]

    def setup(self, implementation, dtype, sequences, layer):
        n, *sizes = SEQUENCES[sequences]
        self.x = numbers(dtype, n, *sizes[:2])
        results = []
        for side in IMPLEMENTATIONS:
            made = layer_of(part(side, "layers"), layer, dtype, *sizes)
            out = made.forward(self.x)
            self.dout = numbers(dtype, *out.shape)
            results.append([out, made.backward(self.dout), *made.grads])
            if side == implementation:
                self.made = made
        for theirs, ours in zip(*results, strict=True):
            assert_close(ours, theirs)

    def time_forward_and_backward(self, *_):
        self.made.forward(self.x)
        self.made.backward(self.dout)


RecurrenceRatio = ratios(
    Recurrence, sequences=["20-35-100-100"], layer=["TimeRNN", "TimeLSTM", "TimeGRU"]
)


class RecurrenceNextStep:
    """One step of one sequence that goes on, as text is generated."""

    param_names = ["implementation", "dtype", "units", "layer"]
    params = [IMPLEMENTATIONS, DTYPES, [128, 650], ["TimeRNN", "TimeLSTM", "TimeGRU"]]

    def setup(self, implementation, dtype, units, layer):
        self.x, results = numbers(dtype, 1, 1, 100), []
        for side in IMPLEMENTATIONS:
            made = layer_of(part(side, "layers"), layer, dtype, 1, 100, units)
            made.stateful = True
            results.append([made.forward(self.x).copy() for _ in range(3)])
            if side == implementation:
                self.made = made
        for theirs, ours in zip(*results, strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.made.forward(self.x)


RecurrenceNextStepRatio = ratios(RecurrenceNextStep, layer=["TimeLSTM"])
