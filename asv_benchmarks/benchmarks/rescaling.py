import numpy as np

from . import (
    DTYPES,
    IMPLEMENTATIONS,
    SHAPES,
    TINY,
    assert_agree,
    assert_close,
    blank,
    labels,
    numbers,
    part,
    ratios,
)


class Rescaling:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        self.out = blank(self.x)
        self.scale, self.offset = self.x.dtype.type(1 / 255), self.x.dtype.type(-0.5)
        self.kernels = part(implementation, "kernels")
        assert_agree("rescaling_forward", self.x, self.scale, self.offset, self.out)
        assert_agree("rescaling_backward", self.x, self.scale, self.out)

    def time_rescaling_forward(self, *_):
        self.kernels.rescaling_forward(self.x, self.scale, self.offset, self.out)

    def time_rescaling_backward(self, *_):
        self.kernels.rescaling_backward(self.x, self.scale, self.out)


RescalingRatio = ratios(Rescaling)


class Images:
    """An epoch of 784-50-10 on 20 batches of 100 images, uint8, which the model brings to 0..1."""

    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        self.x, self.t = (128 + 127 * numbers("float64", 2000, 784)).clip(0, 255), labels(2000, 10)
        self.x, results = self.x.astype(np.uint8), {}
        for name in IMPLEMENTATIONS:
            layers = part(name, "layers")
            stack = [layers.Rescaling(1 / 255), layers.Dense(50, "sigmoid"), layers.Dense(10)]
            model, SGD = part(name, "models").Sequential(stack, seed=0), part(name, "optimizer").SGD
            model.fit(self.x, self.t, 1, 100, optimizer=SGD(lr=0.1), verbose=0)
            results[name] = model.predict(self.x)
            if name == implementation:
                self.model, self.optimizer = model, SGD(lr=TINY)
        assert_close(results["fastnet"], results["numpy"])

    def time_fit(self, *_):
        self.model.fit(self.x, self.t, 1, 100, optimizer=self.optimizer, verbose=0)


ImagesRatio = ratios(Images)
