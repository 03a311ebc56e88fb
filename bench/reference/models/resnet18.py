"""One training step of ResNet-18 in its two stems, at a tiny width: logits, loss, gradients, running statistics.

Written from the paper's description (He et al., arXiv 1512.03385) and torchvision's parameter names. The logits
in evaluation mode are those of the same weights with the running statistics after the step.
"""

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
CLASSES = 3
# Their gradients would be half of the file; those of the layers before them depend on them.
LEFT_OUT = ("layer4.0.conv2.weight", "layer4.1.conv1.weight", "layer4.1.conv2.weight")


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            conv = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(out))

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(h + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    def __init__(self, stem, width, image):
        super().__init__()
        self.stem = stem
        kernel, stride = (7, 2) if stem == "imagenet" else (3, 1)
        self.conv1 = nn.Conv2d(image, width, kernel, stride, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage in range(4):
            out = width * 2**stage
            blocks = nn.Sequential(Block(channels, out, 2 if stage else 1), Block(out, out, 1))
            setattr(self, f"layer{stage + 1}", blocks)
            channels = out
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        if self.stem == "imagenet":
            h = F.max_pool2d(h, 3, 2, 1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            h = stage(h)
        return self.fc(h.mean((2, 3)))


def set_parameters(net, case):
    """Weights at the usual scale; norms near one, biases near zero, running statistics not at their start."""
    named = {key: value for key, value in net.state_dict().items() if not key.endswith("tracked")}
    for name, value in named.items():
        draws = Draws(f"resnet18/{case}/{name}")
        if name.endswith("running_var"):
            drawn = draws.positive(*value.shape)
        elif value.dim() == 1:
            norm = "bn" in name or "downsample.1" in name
            drawn = draws.normal(*value.shape, scale=0.1) + (1 if norm and name.endswith("weight") else 0)
        else:
            drawn = draws.normal(*value.shape, scale=1.4 * value[0].numel() ** -0.5)
        value.copy_(drawn)
    return {key: value.clone() for key, value in named.items()}


def step(stem, image, size, batch):
    net = ResNet18(stem, 2, image)
    initial = set_parameters(net, stem)
    draws = Draws(f"resnet18/{stem}/inputs")
    pixels = torch.randint(256, (batch, image, size, size), generator=draws.generator)
    labels = draws.labels(batch, CLASSES)
    logits = net(pixels / 127.5 - 1)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    net.eval()
    evaluated = net(pixels / 127.5 - 1)
    running = {f"next {key}": value for key, value in net.state_dict().items() if "running" in key}
    gradients = {key: value.grad for key, value in net.named_parameters() if key not in LEFT_OUT}
    attributes = {"stem": stem, "width": 2, "channels": image, "size": size, "batch": batch, "classes": CLASSES}
    inputs = {"pixels": pixels, "labels": labels, **initial}
    outputs = {"logits": logits, "loss": loss, "evaluated": evaluated, **running}
    return entry(stem, attributes, inputs, outputs, gradients)


def documents():
    description = "A training step of ResNet-18: parameters, inputs, logits, loss, gradients, running statistics."
    cases = [step("imagenet", 1, 36, 4), step("small", 3, 9, 4)]
    text = document("resnet18.py", description, cases, digits=6)
    return {"resnet18.json": text.replace("bench/reference/", "bench/reference/models/")}


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for file, text in documents().items():
        with open(os.path.join(FOLDER, file), "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        print(f"{file}: {len(text) / 1000:.0f} kB")
