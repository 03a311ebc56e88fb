"""One training step's loss, prediction and gradients of the diffusion model in its two forms, at a tiny size.

Written from the description of the study's network (residual blocks of two convolutions with ReLU, no norm,
Fourier features of the log-SNR as planes) and of DDPM's (group norm, SiLU, sinusoidal embedding, attention at
the lowest level), not from the TypeScript. Parameters carry the TypeScript model's names. Sizes are odd on
purpose: 12 pixels halve to 6, 3, 1, and 7 pixels need a margin for patches of 2.
"""

import math
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from reference import Draws, document, entry  # noqa: E402

FOLDER = os.path.normpath(
    os.path.join(
        os.path.dirname(os.path.abspath(__file__)), *[".."] * 3, "packages", "handful", "test", "reference"
    )
)
FREQUENCIES = [0.0731, -0.2914, 0.1587, -0.0268, 0.3342, -0.1193, 0.2105, -0.1876]


class StudyBlock(nn.Module):
    def __init__(self, name, channels, mid, out, last=False):
        super().__init__()
        self.name, self.last = name, last
        self.conv1, self.conv2 = nn.Conv2d(channels, mid, 3, padding=1), nn.Conv2d(mid, out, 3, padding=1)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1, bias=False)

    def forward(self, x, masks):
        h = F.relu(self.conv1(x) * masks[f"{self.name}.0"][:, :, None, None])
        h = self.conv2(h)
        if not self.last:
            h = h * masks[f"{self.name}.1"][:, :, None, None]
        return F.relu(h) + self.skip(x)


class StudyUNet(nn.Module):
    """Channels c, 2c, 4c, 8c; two blocks a level each way, four at the bottom."""

    def __init__(self, c, image):
        super().__init__()
        rows = [
            ("down0", image + 20, [(c, c), (c, c)]),
            ("down1", c, [(2 * c, 2 * c), (2 * c, 2 * c)]),
            ("down2", 2 * c, [(4 * c, 4 * c), (4 * c, 4 * c)]),
            ("middle", 4 * c, [(8 * c, 8 * c)] * 3 + [(8 * c, 4 * c)]),
            ("up2", 8 * c, [(4 * c, 4 * c), (4 * c, 2 * c)]),
            ("up1", 4 * c, [(2 * c, 2 * c), (2 * c, c)]),
            ("up0", 2 * c, [(c, c), (c, image)]),
        ]
        self.masks = {}
        for stage, channels, blocks in rows:
            made = nn.ModuleList()
            for i, (mid, out) in enumerate(blocks):
                last = stage == "up0" and i == 1
                made.append(StudyBlock(f"{stage}.{i}", channels, mid, out, last))
                self.masks[f"{stage}.{i}.0"] = mid
                if not last:
                    self.masks[f"{stage}.{i}.1"] = out
                channels = out
            setattr(self, stage, made)

    def forward(self, x, log_snr, masks):
        angles = 2 * math.pi * log_snr[:, None] * torch.tensor(FREQUENCIES)
        told = torch.cat([angles.cos(), angles.sin(), torch.zeros(len(x), 4)], 1)
        h = torch.cat([x, told[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)

        def run(stage, h):
            for block in getattr(self, stage):
                h = block(h, masks)
            return h

        skips = []
        for level in range(3):
            skips.append(run(f"down{level}", h))
            h = F.avg_pool2d(skips[-1], 2)
        h = run("middle", h)
        for level in (2, 1, 0):
            side = skips[level].shape[2]
            h = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
            h = F.pad(h, (0, side - h.shape[3], 0, side - h.shape[2]))
            h = run(f"up{level}", torch.cat([h, skips[level]], 1))
        return h


class ResidualBlock(nn.Module):
    def __init__(self, channels, mid, out, embedding, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, channels), nn.Conv2d(channels, mid, 3, padding=1)
        self.embedding = nn.Linear(embedding, mid)
        self.norm2, self.conv2 = nn.GroupNorm(groups, mid), nn.Conv2d(mid, out, 3, padding=1)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1, bias=False)

    def forward(self, x, told):
        h = self.conv1(F.silu(self.norm1(x))) + self.embedding(told)[:, :, None, None]
        return self.conv2(F.silu(self.norm2(h))) + self.skip(x)


class Attention(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.query, self.value, self.output = (nn.Linear(channels, channels) for _ in range(3))
        self.key = nn.Linear(channels, channels, bias=False)

    def forward(self, x):
        pixels = self.norm(x).flatten(2).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(self.query(pixels), self.key(pixels), self.value(pixels))
        return x + self.output(mixed).transpose(1, 2).reshape(x.shape)


class Attended(nn.Module):
    def __init__(self, block, attention):
        super().__init__()
        self.block, self.attention = block, attention

    def forward(self, x, told):
        return self.attention(self.block(x, told))


class ResidualUNet(nn.Module):
    """Two levels of w and 2w channels, one block a level each way, two at the bottom, attention there."""

    def __init__(self, w, image, patch, groups):
        super().__init__()
        self.width, self.patch = w, patch
        numbers, told = image * patch * patch, 4 * w
        self.embedding1, self.embedding2 = nn.Linear(w, told), nn.Linear(told, told)
        self.first = nn.Conv2d(numbers, w, 3, padding=1)
        self.down0 = nn.ModuleList([ResidualBlock(w, w, w, told, groups)])
        self.middle = nn.ModuleList(
            [
                Attended(ResidualBlock(w, 2 * w, 2 * w, told, groups), Attention(2 * w, groups)),
                Attended(ResidualBlock(2 * w, 2 * w, w, told, groups), Attention(w, groups)),
            ]
        )
        self.up0 = nn.ModuleList([ResidualBlock(2 * w, w, w, told, groups)])
        self.norm, self.last = nn.GroupNorm(groups, w), nn.Conv2d(w, numbers, 3, padding=1)

    def forward(self, x, level):
        size, half = x.shape[2], self.width // 2
        angles = level[:, None] * 10000 ** (-torch.arange(half) / half)
        told = torch.cat([angles.sin(), angles.cos()], 1)
        told = F.silu(self.embedding2(F.silu(self.embedding1(told))))
        margin = -size % self.patch
        h = self.first(F.pixel_unshuffle(F.pad(x, (0, margin, 0, margin)), self.patch))
        skip = self.down0[0](h, told)
        h = F.avg_pool2d(skip, 2)
        for block in self.middle:
            h = block(h, told)
        h = torch.cat([F.interpolate(h, scale_factor=2), skip], 1)
        h = self.last(F.silu(self.norm(self.up0[0](h, told))))
        return F.pixel_shuffle(h, self.patch)[:, :, :size, :size]


def set_parameters(net, case):
    """Weights at the usual scale 1 / sqrt(fan in); norms near one, biases near zero but not zero."""
    named = {name.replace(".block.", "."): parameter for name, parameter in net.named_parameters()}
    for name, parameter in named.items():
        draws = Draws(f"diffusion/{case}/{name}")
        if parameter.dim() == 1:
            near = 1 if "norm" in name and name.endswith("weight") else 0
            value = draws.normal(*parameter.shape, scale=0.1) + near
        else:
            value = draws.normal(*parameter.shape, scale=1.4 * parameter[0].numel() ** -0.5)
        with torch.no_grad():
            parameter.copy_(value)
    return named


def images(case, count, channels, size):
    draws = Draws(f"diffusion/{case}/inputs")
    pixels = torch.randint(256, (count, channels, size, size), generator=draws.generator)
    return pixels, draws.normal(count, channels, size, size)


def step(name, attributes, named, pixels, noise, prediction, target, weight, shown, extra=None):
    errors = ((prediction - target) ** 2).mean((1, 2, 3))
    loss = (errors * weight).mean()
    loss.backward()
    inputs = {"pixels": pixels, "noise": noise, **(extra or {}), **{k: v.detach() for k, v in named.items()}}
    outputs = {"prediction": prediction, "errors": errors, "loss": loss}
    return entry(name, attributes, inputs, outputs, {key: named[key].grad for key in shown})


def study():
    net = StudyUNet(2, 1)
    named = set_parameters(net, "study")
    pixels, noise = images("study", 3, 1, 12)
    levels = torch.tensor([20.0, 250.0, 700.0])
    exponent = 1e-4 + 10 * (levels / 1000) ** 2
    alpha, sigma = torch.exp(-exponent / 2), torch.sqrt(1 - torch.exp(-exponent))
    draws = Draws("diffusion/study/masks")
    masks = {
        key: (torch.rand(3, channels, generator=draws.generator) > 0.25) * 1.25
        for key, channels in net.masks.items()
    }
    a, s = alpha[:, None, None, None], sigma[:, None, None, None]
    clean = (pixels / 255 - 0.125) / 0.25
    prediction = net(a * clean + s * noise, torch.log(alpha**2 / sigma**2), masks)
    shown = [
        "down0.0.conv1.weight", "down0.0.skip.weight", "down2.1.conv2.bias", "middle.3.conv2.bias",
        "up2.0.skip.weight", "up0.1.conv2.weight", "up0.1.skip.weight",
    ]  # fmt: skip
    attributes = {"levels": levels.tolist(), "mean": 0.125, "deviation": 0.25}
    extra = {f"dropout {key}": mask for key, mask in masks.items()}
    return step("study", attributes, named, pixels, noise, prediction, a * noise - s * clean, alpha**2, shown, extra)


def ddpm():
    net = ResidualUNet(4, 3, 2, 2)
    named = set_parameters(net, "ddpm")
    pixels, noise = images("ddpm", 3, 3, 7)
    steps = [1, 300, 999]
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)[[n - 1 for n in steps]][:, None, None, None]
    clean = pixels / 127.5 - 1
    prediction = net(alpha_bar.sqrt() * clean + (1 - alpha_bar).sqrt() * noise, torch.tensor(steps) * 1.0)
    shown = [name for name in named if not name.endswith("conv2.weight")]
    return step("ddpm", {"levels": steps}, named, pixels, noise, prediction, noise, torch.ones(3), shown)


def documents():
    description = "A training step of the diffusion model: parameters, inputs, prediction, loss, some gradients."
    text = document("diffusion.py", description, [study(), ddpm()], digits=6)
    return {"diffusion.json": text.replace("bench/reference/", "bench/reference/models/")}


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for file, text in documents().items():
        with open(os.path.join(FOLDER, file), "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        print(f"{file}: {len(text) / 1000:.0f} kB")
