"""Interpolation, pooling, pixel shuffle: values and gradients on NCHW."""

import torch.nn.functional as F

from reference import Draws, case, document, write


def spatial(name, shape, forward, distinct=False, **attributes):
    draws = Draws(name)
    x = draws.distinct(*shape) if distinct else draws.normal(*shape, decimals=1)
    return case(name, {"operation": name.split(",")[0], **attributes}, {"x": x}, forward, decimals=1)


def interpolate(name, shape, size, mode):
    corners = False if mode == "bilinear" else None
    return spatial(
        f"interpolate, {name}",
        shape,
        lambda x: F.interpolate(x, size=size, mode=mode, align_corners=corners),
        mode=mode,
        size=size,
    )


def average(name, shape, kernel, stride, padding=0, counted=True):
    return spatial(
        f"avg_pool2d, {name}",
        shape,
        lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=counted),
        kernel=[kernel, kernel],
        stride=[stride, stride],
        padding=[[padding, padding], [padding, padding]],
        countIncludesPadding=counted,
    )


def adaptive(name, shape, size):
    return spatial(f"adaptive_avg_pool2d, {name}", shape, lambda x: F.adaptive_avg_pool2d(x, size), size=size)


def maximum(name, shape, kernel, stride, padding=0):
    return spatial(
        f"max_pool2d, {name}",
        shape,
        lambda x: F.max_pool2d(x, kernel, stride, padding),
        distinct=True,
        kernel=[kernel, kernel],
        stride=[stride, stride],
        padding=[[padding, padding], [padding, padding]],
    )


CASES = [
    interpolate("nearest, twice", (2, 2, 3, 4), [6, 8], "nearest"),
    interpolate("nearest, 7 to 14", (1, 2, 7, 7), [14, 14], "nearest"),
    interpolate("nearest, 14 to 7", (1, 1, 14, 14), [7, 7], "nearest"),
    interpolate("nearest, 5x9 to 8x6", (1, 2, 5, 9), [8, 6], "nearest"),
    interpolate("bilinear, twice", (2, 2, 3, 4), [6, 8], "bilinear"),
    interpolate("bilinear, 7 to 14", (1, 2, 7, 7), [14, 14], "bilinear"),
    interpolate("bilinear, 14 to 7", (1, 1, 14, 14), [7, 7], "bilinear"),
    interpolate("bilinear, 5x9 to 8x6", (1, 2, 5, 9), [8, 6], "bilinear"),
    interpolate("bilinear, 1x1 to 3x3", (2, 2, 1, 1), [3, 3], "bilinear"),
    average("kernel 2, stride 2", (2, 2, 6, 4), 2, 2),
    average("kernel 2, stride 2, a row left over", (1, 2, 5, 7), 2, 2),
    average("kernel 3, stride 2, padding 1", (1, 2, 7, 6), 3, 2, padding=1),
    average(
        "kernel 3, stride 1, padding 1, padding not counted", (1, 2, 4, 5), 3, 1, padding=1, counted=False
    ),
    adaptive("7 to 3", (2, 2, 7, 7), [3, 3]),
    adaptive("5x9 to 2x4", (1, 2, 5, 9), [2, 4]),
    adaptive("to 1x1", (2, 3, 4, 5), [1, 1]),
    adaptive("2 to 3", (1, 2, 2, 2), [3, 3]),
    maximum("kernel 2, stride 2", (2, 2, 6, 4), 2, 2),
    maximum("kernel 2, stride 2, a row left over", (1, 2, 7, 5), 2, 2),
    maximum("kernel 3, stride 2, padding 1", (2, 2, 7, 6), 3, 2, padding=1),
    maximum("kernel 3, stride 1, padding 1", (1, 2, 4, 5), 3, 1, padding=1),
    spatial("pixel_shuffle, factor 2", (2, 8, 2, 3), lambda x: F.pixel_shuffle(x, 2), factor=2),
    spatial("pixel_shuffle, factor 3", (1, 9, 2, 1), lambda x: F.pixel_shuffle(x, 3), factor=3),
    spatial("pixel_unshuffle, factor 2", (2, 2, 4, 6), lambda x: F.pixel_unshuffle(x, 2), factor=2),
    spatial("pixel_unshuffle, factor 3", (1, 2, 3, 6), lambda x: F.pixel_unshuffle(x, 3), factor=3),
]


def documents():
    description = (
        "Resampling and pooling: x NCHW, size [height, width], gradients of sum(y * dy); align_corners false."
    )
    return {"resampling.json": document(__file__, description, CASES)}


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
