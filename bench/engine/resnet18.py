"""(c) ResNet-18 for small images, one training step in PyTorch; how to talk to it: rival.py.

He et al., arXiv 1512.03385, with the 3x3 stem without pooling that 32x32x3 images call for; batch norm; 10
classes; cross-entropy; SGD 0.02 with momentum 0.9.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from rival import parse, serve

STAGES = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.skip = nn.Identity()
        if stride > 1 or channels != out:
            self.skip = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        h = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(h)) + self.skip(x))


def resnet18(classes):
    layers, channels = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for out, stride in STAGES:
        layers.append(Block(channels, out, stride))
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def main():
    options = parse("ResNet-18 with a 3x3 stem on 32x32x3", batch=64)
    net = resnet18(10).to(memory_format=options.memory_format)
    x = (torch.rand(options.batch, 3, 32, 32) * 2 - 1).to(memory_format=options.memory_format)
    labels = torch.arange(options.batch) % 10

    def compute_loss():
        return F.cross_entropy(net(x), labels)

    optimiser = torch.optim.SGD(net.parameters(), 0.02, momentum=0.9, fused=options.fused)
    serve("resnet18", options, net, compute_loss, optimiser)


if __name__ == "__main__":
    main()
