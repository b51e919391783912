"""Small Keras classifiers of many shapes, to be exported."""

import keras

SIDE = 16
CLASSES = ("ant", "bee", "cow")
L = keras.layers


def trunk(image):
    """Convolutions with batch normalisation that does something, as after training."""
    x = L.Conv2D(8, 3, padding="same", use_bias=False, name="first_conv")(image)
    x = L.BatchNormalization(
        name="first_bn", beta_initializer="random_normal", moving_mean_initializer="random_normal",
    )(x)  # fmt: skip
    x = L.ReLU()(x)
    return L.Conv2D(12, 3, strides=2, activation="relu", name="second_conv")(x)


def linear_head(outputs=3, activation="softmax"):
    image = keras.Input((SIDE, SIDE, 3))
    pooled = L.GlobalAveragePooling2D()(trunk(image))
    return keras.Model(image, L.Dense(outputs, activation=activation, name="logits")(pooled))


def stack():
    image = keras.Input((SIDE, SIDE, 3))
    x = L.GlobalAveragePooling2D()(L.RandomFlip()(trunk(L.Rescaling(1 / 255)(image))))
    for units in (8, 6):
        x = L.Dropout(0.3)(L.Dense(units, activation="relu")(x))
    return keras.Model(image, L.Dense(3, activation="softmax")(x))


def nested():
    inner = keras.Input((SIDE, SIDE, 3))
    backbone = keras.Model(inner, trunk(inner), name="backbone")
    return keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), backbone, L.GlobalAveragePooling2D(), L.Dense(3), L.Softmax()]
    )


def separable_residual():
    image = keras.Input((SIDE, SIDE, 3))
    x = L.SeparableConv2D(8, 3, padding="same")(image)
    x = L.ReLU()(L.Add()([x, L.Conv2D(8, 1)(x)]))
    return keras.Model(image, L.Dense(3, activation="softmax")(L.Flatten()(L.AveragePooling2D(4)(x))))
