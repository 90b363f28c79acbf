"""A convolutional network learns the shipped digits; its filters and what they see, as pictures.

    python examples/see_digits.py

Expected, in some seconds:

    ...
    Conv2D        relu            (8, 8, 16)  (3, 3, 1, 16) (16,)          160
    ...
    accuracy 0.992
    filters.png, maps.png: what the first layer has learnt, and sees in one digit
"""

from fastnet.datasets import load_digits
from fastnet.layers import Conv2D, Dense, Flatten, MaxPooling2D, Rescaling
from fastnet.models import Sequential
from fastnet.optimizer import Adam
from fastnet.plot import feature_maps, filters

(x, t), (x_test, t_test) = load_digits()
x, x_test = (images.reshape(-1, 8, 8, 1) for images in (x, x_test))

model = Sequential(
    [
        Rescaling(1 / 16),
        Conv2D(16, 3, padding="same", activation="relu"),
        Conv2D(16, 3, padding="same", activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(64, "relu"),
        Dense(10),
    ],
    seed=0,
)
model.fit(x, t, epochs=20, batch_size=32, optimizer=Adam(lr=0.003), verbose=0)
model.summary()
print(f"accuracy {model.evaluate(x_test, t_test)['accuracy']:.3f}")

rescaling, first = model.layers[:2]
ax = filters(first.W.transpose(3, 2, 0, 1))  # to the book's order
ax.figure.savefig("filters.png")
maps = first.forward(rescaling.forward(x_test[:1]))[0]  # (8, 8, 16)
feature_maps(maps.transpose(2, 0, 1)).figure.savefig("maps.png")
print("filters.png, maps.png: what the first layer has learnt, and sees in one digit")
