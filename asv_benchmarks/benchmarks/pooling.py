import numpy as np

from . import DTYPES, IMPLEMENTATIONS, assert_agree, blank, numbers, part, ratios

# Images and channels: after the first layer of the textbook's SimpleConvNet, of DeepConvNet.
IMAGES = {"24x24x30": (100, 24, 24, 30), "28x28x16": (100, 28, 28, 16), "8x8x64": (100, 8, 8, 64)}
THREE = 3, 3, 2, 2, 1, 1


class Pooling:
    param_names = ["implementation", "dtype", "images"]
    params = [IMPLEMENTATIONS, DTYPES, [*IMAGES]]

    def setup(self, implementation, dtype, images):
        x = numbers(dtype, *IMAGES[images])
        n, h, w, c = x.shape
        dout = numbers(dtype, n, h // 2, w // 2, c)
        code = np.zeros(dout.shape, np.uint8)
        part("numpy", "kernels").max_pooling_2x2_forward(x, blank(dout), code)
        self.forward_2x2, self.backward_2x2 = [x, blank(dout), code], [dout, code, blank(x)]
        wide = np.zeros(dout.shape, np.uint8)
        self.forward = [x, *THREE, False, blank(dout), wide]
        part("numpy", "kernels").max_pooling_forward(*self.forward)
        self.backward = [dout, wide, *THREE, blank(x)]
        assert_agree("max_pooling_2x2_forward", *self.forward_2x2)
        assert_agree("max_pooling_2x2_backward", *self.backward_2x2)
        assert_agree("max_pooling_forward", *self.forward)
        assert_agree("max_pooling_backward", *self.backward)
        self.kernels = part(implementation, "kernels")

    def time_max_pooling_2x2_forward(self, *_):
        self.kernels.max_pooling_2x2_forward(*self.forward_2x2)

    def time_max_pooling_2x2_backward(self, *_):
        self.kernels.max_pooling_2x2_backward(*self.backward_2x2)

    def time_max_pooling_forward(self, *_):
        self.kernels.max_pooling_forward(*self.forward)

    def time_max_pooling_backward(self, *_):
        self.kernels.max_pooling_backward(*self.backward)


PoolingRatio = ratios(Pooling, images=["24x24x30"])
