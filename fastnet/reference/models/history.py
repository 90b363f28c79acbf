"""What a training saw."""


class History:
    """What ``fit`` saw: lists with one entry an epoch."""

    interrupted = False  # it ends where Ctrl-C comes

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self.val_loss: list[float] = []
        self.val_accuracy: list[float] = []
        self.seconds: list[float] = []
