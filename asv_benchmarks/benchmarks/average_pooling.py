from . import DTYPES, IMPLEMENTATIONS, assert_agree, blank, numbers, part, ratios
from .pooling import IMAGES

TWO = 2, 2, 2, 2, 0, 0


class AveragePooling:
    param_names = ["implementation", "dtype", "images"]
    params = [IMPLEMENTATIONS, DTYPES, [*IMAGES]]

    def setup(self, implementation, dtype, images):
        x = numbers(dtype, *IMAGES[images])
        n, h, w, c = x.shape
        dout, mean = numbers(dtype, n, h // 2, w // 2, c), numbers(dtype, n, c)
        self.forward, self.backward = [x, *TWO, blank(dout)], [dout, *TWO, blank(x)]
        pixels = x.reshape(n, h * w, c)
        self.whole, self.whole_backward = [pixels, blank(mean)], [mean, blank(pixels)]
        assert_agree("average_pooling_forward", *self.forward)
        assert_agree("average_pooling_backward", *self.backward)
        assert_agree("global_average_pooling_forward", *self.whole)
        assert_agree("global_average_pooling_backward", *self.whole_backward)
        self.kernels = part(implementation, "kernels")

    def time_average_pooling_forward(self, *_):
        self.kernels.average_pooling_forward(*self.forward)

    def time_average_pooling_backward(self, *_):
        self.kernels.average_pooling_backward(*self.backward)

    def time_global_average_pooling_forward(self, *_):
        self.kernels.global_average_pooling_forward(*self.whole)

    def time_global_average_pooling_backward(self, *_):
        self.kernels.global_average_pooling_backward(*self.whole_backward)


AveragePoolingRatio = ratios(AveragePooling, images=["24x24x30"])
