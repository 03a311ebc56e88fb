"""Whole training steps of a small residual UNet: loss, every gradient, parameters after Adam.

The network of bench/engine/unet.py at width 8, image 8x8x3, batch 2, time embedding 16, 4 groups; loss = mean
squared error to `target`. Adam's epsilon is 1e-3: at the usual 1e-8 a first step is the gradient's sign alone
and would show nothing of its size. Three files of one case each, and fewer digits than
elsewhere, to keep them small: gradients 5 significant digits, updated parameters 6 decimals.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from reference import Draws, document, entry, write

WIDTH, TIME, GROUPS, BATCH, SIZE = 8, 16, 4, 2, 8
RATE, EPSILON, STEPS = 0.01, 1e-3, 5


class Block(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, channels), nn.Conv2d(channels, out, 3, padding=1)
        self.time = nn.Linear(TIME, out)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, out), nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x, t):
        h = self.conv1(F.silu(self.norm1(x))) + self.time(t)[:, :, None, None]
        return self.conv2(F.silu(self.norm2(h))) + self.skip(x)


class UNet(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.first = nn.Conv2d(3, w, 3, padding=1)
        self.down0, self.down1, self.middle = Block(w, w), Block(w, 2 * w), Block(2 * w, 2 * w)
        self.up1, self.up0 = Block(4 * w, 2 * w), Block(3 * w, w)
        self.norm, self.last = nn.GroupNorm(GROUPS, w), nn.Conv2d(w, 3, 3, padding=1)

    def forward(self, x, t):
        d0 = self.down0(self.first(x), t)
        d1 = self.down1(F.avg_pool2d(d0, 2), t)
        m = self.middle(F.avg_pool2d(d1, 2), t)
        u = self.up1(torch.cat([F.interpolate(m, scale_factor=2), d1], 1), t)
        u = self.up0(torch.cat([F.interpolate(u, scale_factor=2), d0], 1), t)
        return self.last(F.silu(self.norm(u)))


def initial(name, parameter):
    """Weights at the usual scale 1 / sqrt(fan in); norms near one, biases near zero but not zero."""
    draws = Draws(f"unet/{name}")
    if parameter.dim() == 1:
        near = 1 if "norm" in name and name.endswith("weight") else 0
        return draws.normal(*parameter.shape, scale=0.1) + near
    fan_in = parameter[0].numel()
    return draws.normal(*parameter.shape, scale=fan_in**-0.5)


def documents():
    net = UNet(WIDTH)
    parameters = dict(net.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(initial(name, parameter))
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    draws = Draws("unet/inputs")
    image, time = draws.normal(BATCH, 3, SIZE, SIZE, scale=0.5), draws.normal(BATCH, TIME)
    target = draws.normal(BATCH, 3, SIZE, SIZE)

    optimiser = torch.optim.Adam(net.parameters(), RATE, eps=EPSILON)
    losses = []
    for step in range(STEPS):
        prediction = net(image, time)
        loss = F.mse_loss(prediction, target)
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            first = {"prediction": prediction.detach()}
            gradients = {name: parameter.grad.clone() for name, parameter in parameters.items()}
        optimiser.step()
        if step == 0:
            after = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        losses.append(loss.detach())
    first["loss"] = torch.stack(losses)

    adam = {"learningRate": RATE, "beta1": 0.9, "beta2": 0.999, "epsilon": EPSILON}
    shape = {"width": WIDTH, "timeEmbedding": TIME, "groups": GROUPS, "normEpsilon": 1e-5}
    inputs = {"image": image, "time": time, "target": target, **before}
    steps = "loss: the first five, each before its update"
    return {
        "unet_step.json": document(
            __file__,
            f"A UNet's inputs, parameters and outputs ({steps}).",
            [entry("UNet step", {**shape, **adam}, inputs, first)],
        ),
        "unet_step_gradients.json": document(
            __file__,
            "The gradients of unet_step.json's first loss.",
            [entry("UNet step", {**shape, **adam}, {}, {}, gradients)],
            digits=5,
        ),
        "unet_step_updated.json": document(
            __file__,
            "unet_step.json's parameters after one step of Adam.",
            [entry("UNet step", {**shape, **adam}, {}, after)],
            digits="6 decimals",
        ),
    }


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
