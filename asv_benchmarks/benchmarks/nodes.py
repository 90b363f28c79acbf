from . import (
    DTYPES,
    FAMILY_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    blank,
    numbers,
    part,
    ratios,
)

NAMES = ["add", "multiply", "repeat rows", "repeat columns", "sum rows", "sum columns"]


class Nodes:
    param_names = ["implementation", "dtype", "shape", "node"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, NAMES]

    def setup(self, implementation, dtype, shape, node):
        n, _, m = SHAPES[shape]
        x, y = numbers(dtype, n, m), numbers(dtype, n, m)[::-1].copy()
        dout, name = x[:, ::-1].copy(), node.split()[0]
        if name == node:
            self.forward_arguments = [x, y, blank(x)]
            upstream = [dout] if name == "add" else [x, y, dout]
            self.backward_arguments = [*upstream, blank(x), blank(x)]
        else:
            # (A, B, C): all rows become one, or each row becomes one number
            cube = x.reshape((1, n, m) if node.endswith("rows") else (n, m, 1))
            flat = cube[:, 0].copy()
            self.forward_arguments = (
                [flat, blank(cube)] if name == "repeat" else [cube, blank(flat)]
            )
            self.backward_arguments = (
                [cube, blank(flat)] if name == "repeat" else [flat, blank(cube)]
            )
        assert_agree(f"{name}_forward", *self.forward_arguments)
        assert_agree(f"{name}_backward", *self.backward_arguments)
        kernels = part(implementation, "kernels")
        self.forward = getattr(kernels, f"{name}_forward")
        self.backward = getattr(kernels, f"{name}_backward")

    def time_forward(self, *_):
        self.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.backward(*self.backward_arguments)


NodesRatio = ratios(Nodes)
