import copy

import numpy as np

from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.geometry import geometry_of

from . import IMPLEMENTATIONS, assert_close, blank, numbers, part, ratios

# Images, their side and channels, filters and their side, and groups; with as many zeros around as
# it has.
CONVOLUTIONS = {
    "100x1x28-30-5": (100, 28, 1, 30, 5, 1),  # the textbook's SimpleConvNet
    "100x16x28-16-3": (100, 28, 16, 16, 3, 1),  # and DeepConvNet
    "100x32x14-32-3": (100, 14, 32, 32, 3, 1),
    "100x64x8-64-1": (100, 8, 64, 64, 1, 1),
    "100x32x14-32-3 depthwise": (100, 14, 32, 32, 3, 32),
}


class Convolution:
    param_names = ["implementation", "images"]
    params = [IMPLEMENTATIONS, [*CONVOLUTIONS]]

    def setup(self, implementation, images):
        n, side, c, m, k, groups = CONVOLUTIONS[images]
        dtype = "float32"
        pad = (k - 1) // 2
        sizes = (side, side, c), (k, k, m)
        g = geometry_of(*sizes, (1, 1), (1, 1), (pad, pad), (side, side), groups)
        x, dout = numbers(dtype, n, side, side, c), numbers(dtype, n, side, side, m)[::-1].copy()
        W, b = numbers(dtype, k, k, c // groups, m), numbers(dtype, m)
        W *= W.dtype.type((k * k * c // groups) ** -0.5)
        geometry, self.work = np.array(g, np.int64), np.zeros(scratch_size(g), dtype)
        self.kernels = part(implementation, "kernels")
        self.forward = [x, W, b, geometry, self.kernels.RELU, self.work, blank(dout)]
        self.input = [dout, W, geometry, self.work, blank(x)]
        self.weights = [x, dout, geometry, self.work, blank(W), blank(b)]
        outputs = {"forward": 1, "backward_input": 1, "backward_params": 2}
        for name, given in zip(outputs, (self.forward, self.input, self.weights), strict=True):
            sides = copy.deepcopy(given), copy.deepcopy(given)
            for side, mine in zip(IMPLEMENTATIONS, sides, strict=True):
                getattr(part(side, "kernels"), f"convolution_{name}")(*mine)
            for theirs, ours in list(zip(*sides, strict=True))[-outputs[name] :]:
                assert_close(ours, theirs)

    def time_convolution_forward(self, *_):
        self.kernels.convolution_forward(*self.forward)

    def time_convolution_backward_input(self, *_):
        self.kernels.convolution_backward_input(*self.input)

    def time_convolution_backward_params(self, *_):
        self.kernels.convolution_backward_params(*self.weights)


class ConvolutionLayers:
    """Forward and backward of the layers, in the shapes of small networks."""

    param_names = ["implementation", "layer"]
    params = [IMPLEMENTATIONS, ["Conv1D", "Conv2D", "Convolution"]]

    def setup(self, implementation, layer):
        results = {}
        for name in IMPLEMENTATIONS:
            layers = part(name, "layers")
            if layer == "Convolution":
                W = numbers("float32", 16, 8, 3, 3)
                made = layers.Convolution(W / W.dtype.type(9), numbers("float32", 16), pad=1)
                x = numbers("float32", 32, 8, 14, 14)
            else:
                shape = (20, 8) if layer == "Conv1D" else (14, 14, 8)
                made = getattr(layers, layer)(16, 3, padding="same", activation="relu")
                made.build(shape, np.random.default_rng(0), "float32")
                x = numbers("float32", 32, *shape)
            out = made.forward(x)
            dout = numbers("float32", *out.shape)
            results[name] = [out, made.backward(dout), *made.grads]
            if name == implementation:
                self.layer, self.x, self.dout = made, x, dout
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(self.x)

    def time_backward(self, *_):
        self.layer.backward(self.dout)


class ConvolutionalNetwork:
    """An epoch of a small network in `fit`, and the memory that it takes."""

    param_names = ["batch_size"]
    params = [[16, 64, 256]]

    def setup(self, batch_size):
        layers, models = part("fastnet", "layers"), part("fastnet", "models")
        stack = [
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Dense(10),
        ]
        self.model = models.Sequential(stack, seed=0)
        self.x, self.t = numbers("float32", 1024, 28, 28, 1), np.arange(1024) % 10
        self.optimizer = part("fastnet", "optimizer").SGD(1e-12)
        self.time_fit(batch_size)

    def time_fit(self, batch_size):
        self.model.fit(
            self.x, self.t, epochs=1, batch_size=batch_size, optimizer=self.optimizer, verbose=0
        )

    def peakmem_fit(self, batch_size):
        self.time_fit(batch_size)


ConvolutionRatio = ratios(Convolution, images=[*CONVOLUTIONS])
ConvolutionLayersRatio = ratios(ConvolutionLayers, layer=["Conv1D", "Conv2D", "Convolution"])
