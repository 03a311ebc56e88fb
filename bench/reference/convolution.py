"""conv2d and conv_transpose2d: values and all gradients in many forms.

x is NCHW; w is [out, in / groups, kh, kw] for conv2d and [in, out / groups, kh, kw] for conv_transpose2d.
Attributes: stride, dilation, outputPadding as [height, width]; padding as [[top, bottom], [left, right]].
"""

import torch.nn.functional as F

from reference import Draws, case, document, write


def pair(value):
    return value if isinstance(value, list) else [value, value]


def sides(padding):
    """One number, [height, width], or [[top, bottom], [left, right]], as the last of these."""
    return [side if isinstance(side, list) else [side, side] for side in pair(padding)]


def convolution(name, image, out, kernel, stride=1, padding=0, dilation=1, groups=1, bias=True):
    n, c, height, width = image
    kernel, stride, padding, dilation = pair(kernel), pair(stride), sides(padding), pair(dilation)
    draws = Draws(f"conv2d/{name}")
    inputs = {"x": draws.normal(*image, decimals=1), "w": draws.normal(out, c // groups, *kernel, scale=0.5)}
    if bias:
        inputs["b"] = draws.normal(out)

    def forward(x, w, b=None):
        # F.conv2d pads both ends alike; padding beforehand covers the uneven forms too.
        (top, bottom), (left, right) = padding
        return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride, 0, dilation, groups)

    attributes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return case(name, attributes, inputs, forward, decimals=1)


def transposed(name, image, out, kernel, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    n, c, height, width = image
    kernel, stride, padding, dilation = pair(kernel), pair(stride), pair(padding), pair(dilation)
    output_padding = pair(output_padding)
    draws = Draws(f"conv_transpose2d/{name}")
    inputs = {
        "x": draws.normal(*image, decimals=1),
        "w": draws.normal(c, out // groups, *kernel, scale=0.5),
        "b": draws.normal(out),
    }

    def forward(x, w, b):
        return F.conv_transpose2d(x, w, b, stride, padding, output_padding, groups, dilation)

    attributes = {
        "stride": stride,
        "padding": sides(padding),
        "outputPadding": output_padding,
        "dilation": dilation,
        "groups": groups,
    }
    return case(name, attributes, inputs, forward, decimals=1)


CONVOLUTIONS = [
    convolution("kernel 1", (2, 3, 5, 5), 4, 1),
    convolution("kernel 1, stride 2, even and odd", (2, 3, 7, 6), 4, 1, stride=2),
    convolution("kernel 2", (2, 3, 6, 5), 3, 2),
    convolution("kernel 2, stride 2, a row left over", (2, 3, 7, 8), 4, 2, stride=2),
    convolution("kernel 3, padding 1", (2, 3, 8, 8), 4, 3, padding=1),
    convolution("kernel 3, no padding, no bias", (1, 4, 7, 9), 3, 3, bias=False),
    convolution("kernel 3, padding 2", (1, 2, 5, 6), 3, 3, padding=2),
    convolution("kernel 3, three tiles of four", (1, 4, 12, 12), 4, 3, padding=1),
    convolution("kernel 3, stride 2, padding 1", (2, 3, 9, 8), 4, 3, stride=2, padding=1),
    convolution("kernel 3, stride 3", (1, 2, 11, 10), 3, 3, stride=3),
    convolution("kernel 3, dilation 2, padding 2", (1, 3, 9, 7), 2, 3, padding=2, dilation=2),
    convolution(
        "kernel 3, stride 2, dilation 2, groups 2",
        (1, 4, 9, 8),
        4,
        3,
        stride=2,
        padding=2,
        dilation=2,
        groups=2,
    ),
    convolution("kernel 3, groups 2", (2, 4, 6, 6), 6, 3, padding=1, groups=2),
    convolution("kernel 3, depthwise", (2, 4, 7, 5), 4, 3, padding=1, groups=4),
    convolution(
        "kernel 3, depthwise, twice the channels, stride 2", (2, 3, 7, 5), 6, 3, stride=2, padding=1, groups=3
    ),
    convolution("kernel 4, stride 2, padding 1", (2, 3, 8, 10), 4, 4, stride=2, padding=1),
    convolution("kernel 4, padding 1", (1, 2, 7, 7), 3, 4, padding=1),
    convolution("kernel 5, padding 2, image 5x9", (1, 2, 5, 9), 3, 5, padding=2),
    convolution("kernel 5, stride 2, padding 2", (1, 2, 9, 7), 3, 5, stride=2, padding=2),
    convolution("kernel 5, depthwise, stride 3", (1, 3, 11, 13), 3, 5, stride=3, padding=1, groups=3),
    convolution("kernel 7, stride 2, padding 3", (1, 3, 14, 13), 2, 7, stride=2, padding=3),
    convolution("kernel 7, padding 3, image 5x9", (1, 2, 5, 9), 2, 7, padding=3),
    convolution(
        "kernel 3x5, stride 1x2, padding 1x2", (2, 2, 6, 9), 3, [3, 5], stride=[1, 2], padding=[1, 2]
    ),
    convolution("kernel 1x3, dilation 1x2", (1, 3, 4, 9), 2, [1, 3], padding=[0, 2], dilation=[1, 2]),
    convolution(
        "padding at the bottom and right only", (1, 2, 8, 6), 3, 3, stride=2, padding=[[0, 1], [0, 1]]
    ),
    convolution("four different paddings", (1, 2, 5, 4), 2, 3, padding=[[0, 3], [2, 1]]),
    convolution("image 1x1, kernel 3, padding 1", (3, 2, 1, 1), 3, 3, padding=1),
    convolution("image 1x1, kernel 1", (3, 2, 1, 1), 3, 1),
    convolution("image 33x17, kernel 3, padding 1", (1, 2, 33, 17), 1, 3, padding=1),
    convolution("image 33x17, kernel 3, stride 2, padding 1", (1, 1, 33, 17), 2, 3, stride=2, padding=1),
]

TRANSPOSED = [
    transposed("kernel 2, stride 2", (2, 3, 4, 5), 2, 2, stride=2),
    transposed("kernel 3, padding 1", (2, 3, 5, 4), 4, 3, padding=1),
    transposed(
        "kernel 3, stride 2, padding 1, output padding 1",
        (2, 3, 4, 5),
        2,
        3,
        stride=2,
        padding=1,
        output_padding=1,
    ),
    transposed("kernel 3, stride 2, output padding 1x0", (1, 2, 4, 3), 3, 3, stride=2, output_padding=[1, 0]),
    transposed("kernel 3, stride 2, padding 1, groups 2", (1, 4, 5, 4), 6, 3, stride=2, padding=1, groups=2),
    transposed("kernel 4, stride 2, padding 1", (2, 3, 4, 4), 4, 4, stride=2, padding=1),
    transposed("kernel 4, stride 2, padding 1, depthwise", (2, 3, 4, 5), 3, 4, stride=2, padding=1, groups=3),
    transposed("kernel 4, image 1x1", (2, 4, 1, 1), 3, 4),
    transposed("kernel 3, dilation 2, padding 2", (1, 2, 5, 6), 3, 3, padding=2, dilation=2),
    transposed(
        "kernel 5, stride 3, padding 2, output padding 1",
        (1, 2, 4, 3),
        2,
        5,
        stride=3,
        padding=2,
        output_padding=1,
    ),
    transposed("kernel 2x3, stride 2x1, padding 0x1", (1, 2, 3, 5), 3, [2, 3], stride=[2, 1], padding=[0, 1]),
]


def documents():
    layout = "x NCHW, w as PyTorch keeps it; gradients of sum(y * dy)."
    return {
        "convolution.json": document(__file__, f"conv2d: {layout}", CONVOLUTIONS),
        "convolution_transposed.json": document(__file__, f"conv_transpose2d: {layout}", TRANSPOSED),
    }


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
