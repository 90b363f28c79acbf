"""A loss of one's own."""

import numpy as np
from in_turn import every_dtype

from fastnet.kernels import (
    helper,
    mean_loss,
)
from fastnet.layers import Dense
from fastnet.losses import LoopLoss, Loss
from fastnet.models import Sequential
from fastnet.optimizer import SGD


@helper
def fourth_power(y, t):
    return (y - t) * (y - t) * (y - t) * (y - t)


@helper
def fourth_power_slope(y, t):
    return 4.0 * (y - t) * (y - t) * (y - t)


MADE = mean_loss("quartic", fourth_power, fourth_power_slope, "Fourth power.")


class FourthPower(Loss):
    def forward(self, x, t):
        self.y, self.t = x, t
        total = np.empty(1, x.dtype)
        MADE[0](x, t, total)
        return total[0]

    def backward(self, dout=1):
        dx = np.empty_like(self.y)
        MADE[1](self.y, self.t, self.y.dtype.type(dout), dx)
        return dx

    def in_loop(self):
        return LoopLoss(MADE[2])


@every_dtype
def test_a_loss_of_ones_own_by_hand_and_in_fit(dtype):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((30, 4)).astype(dtype), rng.standard_normal((30, 3)).astype(dtype)
    name = np.dtype(dtype).name
    nets = [Sequential([Dense(3)], FourthPower(), name, seed=1) for _ in range(2)]
    for net in nets:
        net.build(4)
    seen = nets[0].fit(x, t, 3, 30, SGD(0.01), shuffle=False, verbose=0).loss
    error = (x @ nets[1].params[0] + nets[1].params[1] - t).astype("float64")
    np.testing.assert_allclose(seen[0], np.mean(error**4), rtol=1e-4)
    for _ in range(3):
        nets[1].forward(x, t)
        nets[1].backward()
        SGD(0.01).update(nets[1].params, nets[1].grads)
    rtol = 1e-12 if name == "float64" else 1e-5
    np.testing.assert_allclose(nets[0].parameter_vector, nets[1].parameter_vector, rtol=rtol)
