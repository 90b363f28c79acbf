"""The way of a `Sequential` to other libraries and back: its methods `to_torch`, `from_torch` ...

Here samples are (N, height, width, channels) or (N, steps, features), and weights (inputs,
outputs). PyTorch has channels first and weights (outputs, inputs), ONNX channels first and the
gates of an LSTM in another order; Keras has what is here. Axes are moved once, in the weights, so
that what comes out is made of the other library's own layers wherever it has them.
"""
