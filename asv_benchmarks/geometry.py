"""What convolutions, poolings and recurrences have to do, as functions of their geometry.

FLOPs are those of the products alone, a multiply-add 2, forward and backward; padding counts as
pixels, as the equation has it. Bytes are those of arrays that must be read, updated and written.
"""

from typing import NamedTuple


class Convolution(NamedTuple):
    channels: int
    pixels: int  # of a side
    kernels: int
    size: int  # of a kernel's side
    stride: int = 1
    pad: int = 0
    batch: int = 100
    first: bool = False  # no gradient of x is asked for

    @property
    def name(self):
        stride = f" /{self.stride}" if self.stride > 1 else ""
        pad = f" pad {self.pad}" if self.pad not in (0, self.size // 2) else ""
        return (
            f"{self.channels}x{self.pixels} -> {self.kernels}, {self.size}x{self.size}{stride}{pad}"
        )

    @property
    def side(self):
        """Pixels of a side of the output."""
        return (self.pixels + 2 * self.pad - self.size) // self.stride + 1

    @property
    def terms(self):
        """Of the longest sum."""
        return max(self.batch * self.side**2, self.size**2 * max(self.channels, self.kernels))

    @property
    def flops(self):
        taps = self.size**2 * self.channels
        product = 2.0 * self.batch * self.side**2 * taps * self.kernels
        return product * (2 if self.first else 3)


class Pooling(NamedTuple):
    channels: int
    pixels: int
    batch: int = 100

    @property
    def name(self):
        return f"max pooling 2x2, {self.channels}x{self.pixels}"

    @property
    def elements(self):
        return self.batch * self.channels * self.pixels**2


class Recurrence(NamedTuple):
    kind: str  # LSTM, GRU, RNN
    inputs: int
    units: int
    batch: int
    steps: int

    @property
    def name(self):
        return f"{self.kind} {self.inputs}/{self.units}, batch {self.batch}, {self.steps} steps"

    @property
    def gates(self):
        return {"LSTM": 4, "GRU": 3, "RNN": 1}[self.kind]

    @property
    def terms(self):
        return self.steps * max(self.batch, self.gates * self.units, self.inputs)

    @property
    def flops(self):
        weights = (self.inputs + self.units) * self.gates * self.units
        return 6.0 * self.batch * self.steps * weights
