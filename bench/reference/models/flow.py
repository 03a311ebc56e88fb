"""One training step's loss, prediction and gradients of flow matching at a tiny size, and a way from noise to images.

Written from the description (Lipman et al., arXiv 2210.02747; Liu et al., arXiv 2209.03003): x_t = (1 - t) x + t noise, the
network predicts noise - x, its loss is the mean square of what it misses, every image weighing the same; images are made by
Heun's steps from t = 1 to 0, the last of them Euler's. The network is DDPM's of diffusion.py, told 1000 t.
"""

import os

import torch

from diffusion import FOLDER, ResidualUNet, images, set_parameters, step
from reference import document, entry

TIMES = [0.04, 0.35, 0.9]
STEPS = 4


def network():
    net = ResidualUNet(4, 3, 2, 2)
    return net, set_parameters(net, "flow")


def training():
    net, named = network()
    pixels, noise = images("flow", 3, 3, 7)
    t = torch.tensor(TIMES)[:, None, None, None]
    clean = pixels / 127.5 - 1
    prediction = net((1 - t) * clean + t * noise, 1000 * torch.tensor(TIMES))
    shown = [name for name in named if not name.endswith("conv2.weight")]
    attributes = {"levels": [1000 * time for time in TIMES]}
    return step("training", attributes, named, pixels, noise, prediction, noise - clean, torch.ones(3), shown)


def way():
    """The same noise followed to images, before they are cut to bytes."""
    net, _ = network()
    _, x = images("flow", 3, 3, 7)

    def velocity(x, time):
        return net(x, torch.full((len(x),), 1000 * time))

    with torch.no_grad():
        for i in range(STEPS):
            time, following = 1 - i / STEPS, 1 - (i + 1) / STEPS
            v = velocity(x, time)
            ahead = x + (following - time) * v
            x = ahead if following == 0 else x + (following - time) * (v + velocity(ahead, following)) / 2
    return entry("way", {"levels": []}, {}, {"x": x})


def documents():
    description = "A training step of flow matching: parameters, inputs, prediction, loss, some gradients; images drawn."
    text = document("flow.py", description, [training(), way()], digits=6)
    return {"flow.json": text.replace("bench/reference/", "bench/reference/models/")}


if __name__ == "__main__":
    for file, text in documents().items():
        with open(os.path.join(FOLDER, file), "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        print(f"{file}: {len(text) / 1000:.0f} kB")
