"""Calls of recurrent kernels, weights of the textbook's layers, and models with Keras' layers."""

import numpy as np

from fastnet import kernels, layers
from fastnet.layers.time_layer import scratch_sizes
from fastnet.models import Sequential

# Gates, settings between `starts` and `reverse`, states, dimensions of b.
KINDS = {
    "rnn": (1, (kernels.TANH,), 1, 1),
    "rnn relu": (1, (kernels.RELU,), 1, 1),
    "lstm": (4, (0,), 2, 1),
    "lstm keras": (4, (1,), 2, 1),
    "gru": (3, (), 1, 1),
    "reset_after_gru": (3, (), 1, 2),
}


class Case:
    """Arguments of a kernel and of its gradient."""

    def __init__(self, kind, size, dtype, starts=False, reverse=False, last=False, seed=0):
        gates, settings, states, dimensions = KINDS[kind]
        n, steps, d, h = size
        rng, m = np.random.default_rng(seed), gates * h

        def draw(*shape, scale=1.0):
            return (scale * rng.uniform(-1, 1, shape)).astype(dtype)

        self.name = kind.partition(" ")[0]
        self.weights = [draw(d, m, scale=d**-0.5), draw(h, m, scale=h**-0.5)]
        self.b = draw(*[2] * (dimensions - 1), m)
        self.x, self.states = draw(n, steps, d), [draw(n, h) for _ in range(states)]
        self.dout = draw(n, 1 if last else steps, h)
        self.dc = [draw(n, h) for _ in range(states - 1)]
        self.settings = starts, *settings, reverse
        self.rooms = [np.full(k, np.nan, dtype) for k in scratch_sizes(n, steps, d, h, gates)]

    def run(self, module):
        """Return what forward and backward leave: out, the states, dh, dc, dx and gradients."""
        states, out = [s.copy() for s in self.states], np.full_like(self.dout, np.nan)
        rooms = [a.copy() for a in self.rooms]
        forward, backward = (getattr(module, f"{self.name}_{way}") for way in FORTH_AND_BACK)
        forward(self.x, *self.weights, self.b, *states, *self.settings, *rooms, out)
        rooms[1][...] = np.nan
        arrays = [self.states[0], *self.dc, self.x, *self.weights, self.b]
        grads = [np.full_like(a, np.nan) for a in arrays]
        if self.dc:
            grads[1] = self.dc[0].copy()
        backward(self.x, *self.weights, self.dout, *self.settings, *rooms, *grads)
        return [out, *states, *grads]


FORTH_AND_BACK = "forward", "backward"


NAMES = {"TimeRNN": 1, "TimeLSTM": 4, "TimeGRU": 3, "TimeBiLSTM": 4}


def weights(name, d, h, dtype=np.float64, seed=0):
    rng, m = np.random.default_rng(seed), NAMES[name] * h
    shapes = [(d, m), (h, m), (m,)] * (1 + (name == "TimeBiLSTM"))
    return [rng.uniform(-0.5, 0.5, shape).astype(dtype) for shape in shapes]


def model_of(make, dtype="float64", shape=(6, 5), **options):
    made = Sequential([*make(), layers.Dense(3)], seed=0, dtype=dtype, **options)
    made.build(shape)
    return made
