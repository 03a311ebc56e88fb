"""(b) A small residual UNet, one training step in PyTorch; how to talk to it: rival.py.

32x32x3, base width 64, one residual block per level at 32, 16 and 8 pixels, group norm (8 groups), SiLU, a
time embedding of 128 added in each block; mean squared error; Adam 1e-3.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from rival import parse, serve

GROUPS, TIME, WIDTH = 8, 128, 64


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


def main():
    options = parse("A residual UNet, width 64, on 32x32x3", batch=64)
    net = UNet(WIDTH).to(memory_format=options.memory_format)
    x = (torch.rand(options.batch, 3, 32, 32) * 2 - 1).to(memory_format=options.memory_format)
    t, target = torch.rand(options.batch, TIME) * 2 - 1, x / 2

    def compute_loss():
        return F.mse_loss(net(x, t), target)

    serve("unet", options, net, compute_loss, torch.optim.Adam(net.parameters(), 1e-3, fused=options.fused))


if __name__ == "__main__":
    main()
