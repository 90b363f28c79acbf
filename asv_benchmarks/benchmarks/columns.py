from . import IMPLEMENTATIONS, assert_agree, assert_close, blank, numbers, part, ratios

# Images, and the side of a window, stride and pad.
IMAGES = {"100x1x28": ((100, 1, 28, 28), 5, 1, 0), "100x16x14": ((100, 16, 14, 14), 3, 1, 1)}


class Columns:
    """im2col and col2im: kernels, and the functions of their names."""

    param_names = ["implementation", "images"]
    params = [IMPLEMENTATIONS, [*IMAGES]]

    def setup(self, implementation, images):
        shape, side, stride, pad = IMAGES[images]
        self.sizes, self.shape = (side, side, stride, pad), shape
        self.x = numbers("float32", *shape)
        self.functions = part(implementation, "functions")
        self.kernels = part(implementation, "kernels")
        self.col = part("numpy", "functions").im2col(self.x, *self.sizes)
        for name, arguments in (("im2col", (self.x,)), ("col2im", (self.col, shape))):
            ours, theirs = (
                getattr(part(side, "functions"), name)(*arguments, *self.sizes)
                for side in IMPLEMENTATIONS
            )
            assert_close(ours, theirs)
        self.out, self.image = blank(self.col), blank(self.x)
        assert_agree("im2col_forward", self.x, *self.sizes, self.out)
        assert_agree("col2im_forward", self.col, *self.sizes, self.image)

    def time_im2col(self, *_):
        self.functions.im2col(self.x, *self.sizes)

    def time_col2im(self, *_):
        self.functions.col2im(self.col, self.shape, *self.sizes)

    def time_im2col_forward(self, *_):
        self.kernels.im2col_forward(self.x, *self.sizes, self.out)

    def time_col2im_forward(self, *_):
        self.kernels.col2im_forward(self.col, *self.sizes, self.image)


ColumnsRatio = ratios(Columns, images=[*IMAGES])
