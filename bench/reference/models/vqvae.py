"""One training step's loss, its parts, layers and gradients of the VQ-VAE in its two forms, at a tiny size.

Written from the description of the study's network and of the patched one, not from the TypeScript. Parameters carry
the TypeScript model's names. 6 pixels need a margin for a quarter of the resolution.
"""

import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reference  # noqa: E402
from reference import Draws, document, entry  # noqa: E402

FOLDER = os.path.normpath(
    os.path.join(
        os.path.dirname(os.path.abspath(__file__)), *[".."] * 3, "packages", "handful", "test", "reference"
    )
)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width // 2, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width // 2, width, 1, bias=False)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, channels, self.patches = config["encoderWidth"], config["channels"], config["stem"] == "patches"
        if self.patches:
            self.conv1 = nn.Conv2d(4 * channels, width // 2, 3, padding=1)
            self.conv2 = nn.Conv2d(width // 2, width, 3, padding=1)
        else:
            self.conv1 = nn.Conv2d(channels, width // 2, 4, stride=2, padding=1)
            self.conv2 = nn.Conv2d(width // 2, width, 4, stride=2, padding=1)
        self.conv3 = nn.Conv2d(width, width, 3, padding=1)
        self.residuals = config["residuals"]
        for i in range(self.residuals):
            self.add_module(f"residual{i + 1}", Residual(width))
        self.code = nn.Conv2d(width, config["codeSize"], 1)

    def forward(self, x, layers):
        h = F.relu(self.conv1(F.pixel_unshuffle(x, 2) if self.patches else x))
        layers["encoder.conv1"] = h
        h = F.relu(self.conv2(F.avg_pool2d(h, 2) if self.patches else h))
        layers["encoder.conv2"] = h
        h = self.conv3(h)
        layers["encoder.conv3"] = F.relu(h)
        for i in range(self.residuals):
            h = getattr(self, f"residual{i + 1}")(h)
            layers[f"encoder.residual{i + 1}"] = F.relu(h)
        layers["encoder.code"] = self.code(F.relu(h))
        return layers["encoder.code"]


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, channels, self.patches = config["decoderWidth"], config["channels"], config["stem"] == "patches"
        self.conv = nn.Conv2d(config["codeSize"], width, 3, padding=1)
        self.residuals = config["residuals"]
        for i in range(self.residuals):
            self.add_module(f"residual{i + 1}", Residual(width))
        if self.patches:
            self.up = nn.Conv2d(width, width // 2, 3, padding=1)
            self.last = nn.Conv2d(width // 2, 4 * channels, 3, padding=1)
        else:
            self.up = nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1)
            self.last = nn.ConvTranspose2d(width // 2, channels, 4, stride=2, padding=1)

    def forward(self, q, layers):
        h = self.conv(q)
        layers["decoder.conv"] = F.relu(h)
        for i in range(self.residuals):
            h = getattr(self, f"residual{i + 1}")(h)
            layers[f"decoder.residual{i + 1}"] = F.relu(h)
        h = F.relu(h)
        if self.patches:
            h = F.interpolate(h, scale_factor=2, mode="nearest")
        h = F.relu(self.up(h))
        layers["decoder.up"] = h
        return F.pixel_shuffle(self.last(h), 2) if self.patches else self.last(h)


class VqVae(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.codebook = nn.Embedding(config["codes"], config["codeSize"])
        self.size = config["size"]

    def forward(self, x, layers):
        margin = -self.size % 4
        z = self.encoder(F.pad(x, (0, margin, 0, margin)), layers)
        rows = z.movedim(1, -1).reshape(-1, z.shape[1])
        codes = torch.cdist(rows, self.codebook.weight).argmin(1)
        q = self.codebook(codes).reshape(z.movedim(1, -1).shape).movedim(-1, 1)
        layers["quantised"] = q
        layers["codes"] = codes.reshape(len(x), -1).to(x.dtype)
        image = self.decoder(z + (q - z).detach(), layers)
        return z, q, codes, image[:, :, : self.size, : self.size]


def vqvae_case(name, config):
    model = VqVae(config)
    draws = Draws(name)
    with torch.no_grad():
        for key, value in model.named_parameters():
            value.copy_(draws.normal(*value.shape, scale=0.5 if key.endswith("weight") else 0.2))
    shape = (config["batch"], config["channels"], config["size"], config["size"])
    pixels, target = (torch.randint(256, shape, generator=draws.generator).to(torch.float64) for _ in range(2))
    mean, deviation = (torch.tensor(config[key])[:, None, None] for key in ("mean", "deviation"))

    layers = {}
    z, q, codes, image = model((pixels / 255 - mean) / deviation, layers)
    reconstruction = F.mse_loss(image, (target / 255 - mean) / deviation)
    codebook, commitment = F.mse_loss(q, z.detach()), F.mse_loss(z, q.detach())
    byGradient = config["update"] == "gradient"
    loss = reconstruction + config["commitment"] * commitment + (codebook if byGradient else 0)
    share = torch.bincount(codes, minlength=config["codes"]) / len(codes)
    perplexity = torch.exp(-torch.special.xlogy(share, share).sum())
    parameters = {key: value for key, value in model.named_parameters() if byGradient or key != "codebook.weight"}
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    outputs = {
        "loss": loss,
        "reconstruction": reconstruction,
        "codebook": codebook,
        "commitment": commitment,
        "perplexity": perplexity,
        "image": image,
        **layers,
    }
    inputs = {"pixels": pixels, "target": target, **dict(model.named_parameters())}
    return entry(name, config, inputs, outputs, gradients)


SMALL = {"encoderWidth": 6, "decoderWidth": 4, "residuals": 2, "codes": 7, "codeSize": 3, "commitment": 0.25, "batch": 3}
CASES = [
    vqvae_case(
        "strided stem, codebook by gradient",
        {**SMALL, "stem": "strided", "update": "gradient", "size": 8, "channels": 3}
        | {"mean": [0.5, 0.4, 0.45], "deviation": [0.25, 0.2, 0.3]},
    ),
    vqvae_case(
        "patches, running means",
        {**SMALL, "stem": "patches", "update": "average", "size": 6, "channels": 1, "mean": [0.125], "deviation": [0.5]},
    ),
]


def documents():
    description = "VQ-VAE: a training step's loss with its parts, its layers, the image (normalised), gradients of the loss."
    text = document(__file__, description, CASES, digits=7)
    return {"vqvae.json": text.replace("reference/vqvae.py", "reference/models/vqvae.py")}


if __name__ == "__main__":
    reference.FOLDER = FOLDER
    for file, text in documents().items():
        reference.write(file, text)
