"""The GAN with an encoder (StyleGAN2 and ALAE; arXiv 1912.04958, 2004.04467): networks, losses and their gradients.

Written from the papers' form: convolutions with weights of their own for every image (grouped), up- and downsampling
by zeros and an explicit filter, everything NCHW. Parameters carry the names of packages/handful/src/models/gan-*.ts,
in PyTorch's layouts (an upsampling convolution's filter is [in, out, kh, kw], as conv_transpose2d takes it).
"""

import math
import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reference  # noqa: E402
from reference import Draws, differentiable, document, entry  # noqa: E402

FOLDER = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "packages", "handful", "test", "reference")
)
BLUR = torch.tensor([1.0, 3.0, 3.0, 1.0])
BLUR = BLUR[:, None] * BLUR[None, :] / BLUR.sum() ** 2


def lrelu(x):
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def filtered(x, up=1, down=1, pad=(0, 0)):
    """Zeros between pixels, padding, the filter (times up^2), every down-th pixel."""
    n, c, h, w = x.shape
    if up > 1:
        wide = x.new_zeros(n, c, h, up, w, up)
        wide[:, :, :, 0, :, 0] = x
        x = wide.reshape(n, c, h * up, w * up)
    x = F.pad(x, (pad[0], pad[1], pad[0], pad[1]))
    kernel = (BLUR * up * up).flip(0, 1).expand(c, 1, 4, 4)
    return F.conv2d(x, kernel, groups=c)[:, :, ::down, ::down]


class Network:
    """Registers parameters with seeded values; `p` holds the tensors in use."""

    def __init__(self, config, draws):
        self.config, self.draws, self.p = config, draws, {}

    def new(self, name, *shape, scale=1.0, offset=0.0):
        self.p[name] = self.draws.normal(*shape, scale=scale) + offset

    def linear(self, name, inputs, outputs, rate=1.0, offset=0.0):
        self.new(f"{name}.weight", outputs, inputs, scale=1 / rate)
        self.new(f"{name}.bias", outputs, scale=0.3 / rate, offset=offset)

    def apply_linear(self, name, x, rate=1.0, activated=False):
        w, b = self.p[f"{name}.weight"], self.p[f"{name}.bias"]
        y = F.linear(x, w * (rate / math.sqrt(w.shape[1])), b * rate)
        return lrelu(y) if activated else y

    def conv(self, name, inputs, outputs, kernel, bias=True):
        self.new(f"{name}.weight", outputs, inputs, kernel, kernel)
        if bias:
            self.new(f"{name}.bias", outputs, scale=0.3)

    def apply_conv(self, name, x, down=False, activated=True):
        w = self.p[f"{name}.weight"]
        kernel = w.shape[2]
        w = w / math.sqrt(w.shape[1] * kernel * kernel)
        if down:
            pad = 2 if kernel == 3 else 1
            y = F.conv2d(filtered(x, pad=(pad, pad)), w, stride=2)
        else:
            y = F.conv2d(x, w, padding=kernel // 2)
        return lrelu(y + self.p[f"{name}.bias"][:, None, None]) if activated else y

    def styled(self, name, inputs, outputs, kernel, up=False):
        shape = (inputs, outputs) if up else (outputs, inputs)
        self.new(f"{name}.weight", *shape, kernel, kernel)
        self.linear(f"{name}.modulation", self.config["latent"], inputs, offset=1.0)
        if kernel == 3:
            self.new(f"{name}.noise", scale=0.5)
        self.new(f"{name}.bias", outputs, scale=0.3)

    def modulated(self, name, x, style, up=False, demodulate=True):
        """One filter per image, all images in one grouped convolution."""
        n, c, h, w = x.shape
        weight = self.p[f"{name}.weight"]
        if up:
            weight = weight.transpose(0, 1)
        o, _, k, _ = weight.shape
        s = self.apply_linear(f"{name}.modulation", style)
        each = weight[None] / math.sqrt(c * k * k) * s[:, None, :, None, None]
        if demodulate:
            each = each * torch.rsqrt(each.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        rows = x.reshape(1, n * c, h, w)
        if up:
            y = F.conv_transpose2d(rows, each.transpose(1, 2).reshape(n * c, o, k, k), stride=2, groups=n)
            y = y.reshape(n, o, y.shape[2], y.shape[3])
            return filtered(y, pad=(1, 1)) * 4
        y = F.conv2d(rows, each.reshape(n * o, c, k, k), padding=k // 2, groups=n)
        return y.reshape(n, o, h, w)


class Gan(Network):
    def __init__(self, config, draws):
        super().__init__(config, draws)
        c, latent, patch = config["channels"], config["latent"], config["patch"]
        colours = config["colours"]
        self.levels = len(c) - 1
        self.base = config["size"] // patch // 2**self.levels
        for i in range(config["mappingLayers"]):
            self.linear(f"mapping.layer{i}", latent, latent, rate=config["mappingRate"])
        self.new("generator.constant", 1, c[0], self.base, self.base)
        self.styled("generator.first", c[0], c[0], 3)
        self.styled("generator.pixels0", c[0], colours * patch**2, 1)
        for i in range(1, self.levels + 1):
            self.styled(f"generator.up{i}", c[i - 1], c[i], 3, up=True)
            self.styled(f"generator.convolution{i}", c[i], c[i], 3)
            self.styled(f"generator.pixels{i}", c[i], colours * patch**2, 1)
        self.conv("encoder.stem", colours * patch**2, c[-1], 1)
        for i in range(1, self.levels + 1):
            a, b = c[self.levels - i + 1], c[self.levels - i]
            self.conv(f"encoder.block{i}.first", a, a, 3)
            self.conv(f"encoder.block{i}.second", a, b, 3)
            self.conv(f"encoder.block{i}.skip", a, b, 1, bias=False)
        self.conv("encoder.last", c[0] + (1 if config["deviationGroup"] else 0), c[0], 3)
        self.linear("encoder.hidden", c[0] * self.base**2, config["hidden"])
        self.linear("encoder.code", config["hidden"], latent)
        for i in range(config["discriminatorLayers"]):
            last = i == config["discriminatorLayers"] - 1
            self.linear(f"discriminator.layer{i}", latent, 1 if last else latent)

    def of(self, *networks):
        return [name for name in self.p if name.split(".")[0] in networks]

    def mapping(self, z):
        h = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for i in range(self.config["mappingLayers"]):
            h = self.apply_linear(f"mapping.layer{i}", h, self.config["mappingRate"], activated=True)
        return h

    def discriminator(self, w):
        for i in range(self.config["discriminatorLayers"]):
            w = self.apply_linear(
                f"discriminator.layer{i}", w, activated=i < self.config["discriminatorLayers"] - 1
            )
        return w

    def styled_layer(self, name, x, style, noise, up=False):
        y = self.modulated(name, x, style, up)
        return lrelu(y + noise * self.p[f"{name}.noise"] + self.p[f"{name}.bias"][:, None, None])

    def pixels(self, name, x, style):
        y = self.modulated(name, x, style, demodulate=False) + self.p[f"{name}.bias"][:, None, None]
        return F.pixel_shuffle(y, self.config["patch"]) if self.config["patch"] > 1 else y

    def generator(self, styles, noise):
        n = styles[0].shape[0]
        h = self.p["generator.constant"].expand(n, -1, -1, -1)
        h = self.styled_layer("generator.first", h, styles[0], noise[0])
        picture = self.pixels("generator.pixels0", h, styles[1])
        for i in range(1, self.levels + 1):
            h = self.styled_layer(f"generator.up{i}", h, styles[2 * i - 1], noise[2 * i - 1], up=True)
            h = self.styled_layer(f"generator.convolution{i}", h, styles[2 * i], noise[2 * i])
            picture = filtered(picture, up=2, pad=(2, 1)) + self.pixels(f"generator.pixels{i}", h, styles[2 * i + 1])
        return picture

    def encoder(self, x):
        if self.config["patch"] > 1:
            x = F.pixel_unshuffle(x, self.config["patch"])
        h = self.apply_conv("encoder.stem", x)
        for i in range(1, self.levels + 1):
            skip = self.apply_conv(f"encoder.block{i}.skip", h, down=True, activated=False)
            inner = self.apply_conv(f"encoder.block{i}.first", h)
            h = (self.apply_conv(f"encoder.block{i}.second", inner, down=True) + skip) / math.sqrt(2)
        if self.config["deviationGroup"]:
            n, c, height, width = h.shape
            group = min(n, self.config["deviationGroup"])
            apart = h.reshape(group, n // group, c, height, width)
            deviation = torch.sqrt(apart.var(0, unbiased=False) + 1e-8).mean((1, 2, 3))
            plane = deviation.repeat(group)[:, None, None, None].expand(n, 1, height, width)
            h = torch.cat([h, plane], 1)
        h = self.apply_conv("encoder.last", h).flatten(1)
        return self.apply_linear("encoder.code", self.apply_linear("encoder.hidden", h, activated=True))

    def noise_planes(self, noise):
        """[n, pixels] -> one plane per 3x3 convolution."""
        sides = [self.base * 2**level for level in range(self.levels + 1) for _ in range(1 if level == 0 else 2)]
        planes, at = [], 0
        for side in sides:
            planes.append(noise[:, at : at + side * side].reshape(-1, 1, side, side))
            at += side * side
        return planes


def gan_case(name, config):
    draws = Draws(f"gan/{name}")
    gan = Gan(config, draws)
    parameters = dict(gan.p)
    n, styles = config["batch"], 2 * gan.levels + 2
    pixels = sum((gan.base * 2**level) ** 2 * (1 if level == 0 else 2) for level in range(gan.levels + 1))
    shape = (n, config["colours"], config["size"], config["size"])
    inputs = {
        "x": draws.normal(*shape, scale=0.5),
        "z": draws.normal(n, config["latent"]),
        "second z": draws.normal(n, config["latent"]),
        "mixing": torch.tensor([1.0] + [0.0] * (styles - 1)),
        "noise": draws.normal(n, pixels),
        "directions": draws.normal(*shape),
    }
    live = differentiable(parameters)
    gan.p = live
    x = inputs["x"].clone().requires_grad_()
    w, second = gan.mapping(inputs["z"]), gan.mapping(inputs["second z"])
    mixed = [second + (w - second) * share for share in inputs["mixing"]]
    noise = gan.noise_planes(inputs["noise"])
    image = gan.generator(mixed, noise)
    code = gan.encoder(x)
    real, fake = gan.discriminator(code), gan.discriminator(gan.encoder(image))

    (slope,) = torch.autograd.grad(real.sum(), x, create_graph=True)
    r1 = slope.square().sum((1, 2, 3)).mean()
    along = (image * inputs["directions"]).sum() / config["size"]
    slopes = torch.autograd.grad(along, mixed, create_graph=True)
    lengths = torch.stack([each.square().sum(1) for each in slopes]).mean(0).sqrt()
    running = 0.5
    running_next = running + 0.01 * (lengths.mean() - running)
    path = (lengths - running_next).square().mean()
    single = gan.generator([w] * styles, noise)
    losses = {
        "discriminator": (F.softplus(-real).mean() + F.softplus(fake).mean(), ["discriminator", "encoder"]),
        "r1": (10 / 2 * 16 * r1, ["discriminator", "encoder"]),
        "generator": (F.softplus(-fake).mean(), ["mapping", "generator"]),
        "path": (2 * 4 * path, ["mapping", "generator"]),
        "reconstruction": ((w - gan.encoder(single)).square().mean(), ["mapping", "generator", "encoder"]),
    }
    gradients = {}
    for loss, (value, networks) in losses.items():
        names = gan.of(*networks)
        found = torch.autograd.grad(value, [live[each] for each in names], retain_graph=True, allow_unused=True)
        for each, gradient in zip(names, found):
            gradients[f"{loss}: {each}"] = torch.zeros_like(live[each]) if gradient is None else gradient
    outputs = {"w": w, "image": image, "code": code, "score": real, "pathMean": running_next}
    outputs.update({loss: value for loss, (value, _) in losses.items()})
    return entry(name, config, {**inputs, **parameters}, outputs, gradients)


SMALL = {"latent": 4, "hidden": 6, "mappingLayers": 2, "mappingRate": 0.01, "discriminatorLayers": 3, "batch": 4}
CASES = [
    gan_case(
        "colour, deviation in groups",
        {**SMALL, "size": 8, "patch": 1, "colours": 3, "channels": [4, 3], "deviationGroup": 2},
    ),
    gan_case(
        "grey, blocks of pixels", {**SMALL, "size": 8, "patch": 2, "colours": 1, "channels": [4, 3], "deviationGroup": None}
    ),
]


def documents():
    description = "GAN with an encoder: networks, the five weighted losses, and `loss: parameter` gradients."
    text = document(__file__, description, CASES, digits=7)
    return {"gan.json": text.replace("reference/gan.py", "reference/models/gan.py")}


if __name__ == "__main__":
    reference.FOLDER = FOLDER
    for file, text in documents().items():
        reference.write(file, text)
