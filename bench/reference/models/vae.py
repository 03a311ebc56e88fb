"""One training step's loss, its parts and gradients of the three VAEs at a tiny size, and their layers in use.

Written from the description of the study's two networks and of the patched one, not from the TypeScript. Parameters
carry the TypeScript model's names. In use the decoder is fed by the mean of the code, and batch norm takes the running
statistics that stand among the inputs; `after` in the name of an output says what they are after the training step.
"""

import math
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


def holder(**modules):
    """A module that only holds others by name."""
    made = nn.Module()
    for name, module in modules.items():
        made.add_module(name, module)
    return made


class Patched(nn.Module):
    def __init__(self, config):
        super().__init__()
        w, c, hidden, latent = config["width"], config["channels"], config["hidden"], config["latent"]
        self.side = math.ceil(config["size"] / 4)
        self.padded = 4 * self.side
        numbers = self.side**2 * 2 * w
        self.encoder = holder(
            fine1=nn.Conv2d(4 * c, w, 3, padding=1),
            fine2=nn.Conv2d(w, w, 3, padding=1),
            coarse1=nn.Conv2d(w, 2 * w, 3, padding=1),
            coarse2=nn.Conv2d(2 * w, 2 * w, 3, padding=1),
            hidden=nn.Linear(numbers, hidden),
            posterior=nn.Linear(hidden, 2 * latent),
        )
        self.decoder = holder(
            hidden=nn.Linear(latent, hidden),
            spread=nn.Linear(hidden, numbers),
            coarse=nn.Conv2d(2 * w, 2 * w, 3, padding=1),
            fine=nn.Conv2d(2 * w, w, 3, padding=1),
            last=nn.Conv2d(w, 4 * c, 3, padding=1),
        )

    def encode(self, x, layers):
        e = self.encoder
        fine = F.relu(e.fine2(F.relu(e.fine1(F.pixel_unshuffle(x, 2)))))
        coarse = F.relu(e.coarse2(F.relu(e.coarse1(F.avg_pool2d(fine, 2)))))
        hidden = F.relu(e.hidden(coarse.flatten(1)))
        layers.update(fine=fine, coarse=coarse, hidden=hidden)
        return e.posterior(hidden).chunk(2, 1)

    def decode(self, z, layers):
        d = self.decoder
        hidden = F.relu(d.hidden(z))
        coarse = F.relu(d.coarse(F.relu(d.spread(hidden)).reshape(len(z), -1, self.side, self.side)))
        fine = F.relu(d.fine(F.interpolate(coarse, scale_factor=2, mode="nearest")))
        layers.update({"decoder.hidden": hidden, "decoder.coarse": coarse, "decoder.fine": fine})
        return F.pixel_shuffle(d.last(fine), 2)


class Dense(nn.Module):
    def __init__(self, config):
        super().__init__()
        w, c, hidden, latent = config["width"], config["channels"], config["hidden"], config["latent"]
        self.side = math.ceil(config["size"] / 4)
        self.padded = 4 * self.side
        numbers = self.side**2 * 4 * w
        self.encoder = holder(
            conv1=nn.Conv2d(c, w, 3, padding=1),
            conv2=nn.Conv2d(w, 2 * w, 3, stride=2, padding=1),
            conv3=nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1),
            hidden=nn.Linear(numbers, hidden),
            posterior=nn.Linear(hidden, 2 * latent),
        )
        self.decoder = holder(
            hidden=nn.Linear(latent, hidden),
            spread=nn.Linear(hidden, numbers),
            conv1=nn.ConvTranspose2d(4 * w, 2 * w, 3, stride=2, padding=1, output_padding=1),
            conv2=nn.ConvTranspose2d(2 * w, w, 3, stride=2, padding=1, output_padding=1),
            last=nn.ConvTranspose2d(w, c, 3, padding=1),
        )

    def encode(self, x, layers):
        e, h = self.encoder, x
        for name in ("conv1", "conv2", "conv3"):
            h = layers[f"encoder.{name}"] = F.relu(getattr(e, name)(h))
        h = layers["encoder.hidden"] = F.relu(e.hidden(h.flatten(1)))
        layers["posterior"] = e.posterior(h)
        return layers["posterior"].chunk(2, 1)

    def decode(self, z, layers):
        d = self.decoder
        h = layers["decoder.hidden"] = F.relu(d.hidden(z))
        h = F.relu(d.spread(h)).reshape(len(z), -1, self.side, self.side)
        layers["decoder.spread"] = h
        for name in ("conv1", "conv2"):
            h = layers[f"decoder.{name}"] = F.relu(getattr(d, name)(h))
        return d.last(h)


class Block(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.BatchNorm2d(2 * channels)
        self.conv2, self.norm2 = nn.Conv2d(2 * channels, out, 3, padding=1), nn.BatchNorm2d(out)
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 3, padding=1)

    def forward(self, x):
        return self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))) + self.skip(x)


class ResidualVae(nn.Module):
    def __init__(self, config):
        super().__init__()
        down, up, c, latent = (config[key] for key in ("encoderChannels", "decoderChannels", "channels", "latent"))
        self.padded = 2 ** (len(up) + 1)
        self.levels = len(down)
        self.encoder, self.decoder = nn.Module(), nn.Module()
        for i, out in enumerate(down):
            widths = [down[i - 1], out, out] if i else [c, out, out, out]
            blocks = {f"block{j + 1}": Block(*pair) for j, pair in enumerate(zip(widths, widths[1:]))}
            self.encoder.add_module(f"level{i + 1}", holder(**blocks))
        self.encoder.posterior = nn.Linear(down[-1], 2 * latent)
        widths = [latent, *up, c]
        self.ups = len(widths) - 1
        for i, (channels, out) in enumerate(zip(widths, widths[1:])):
            chain = [channels] * 3 + [out] if i == self.ups - 1 else [channels] + [out] * 3
            blocks = {f"block{j + 1}": Block(*pair) for j, pair in enumerate(zip(chain, chain[1:]))}
            doubling = nn.ConvTranspose2d(channels, channels, 2, stride=2)
            self.decoder.add_module(f"level{i + 1}", holder(up=doubling, **blocks))

    def encode(self, x, layers):
        h = x
        for i in range(self.levels):
            for block in getattr(self.encoder, f"level{i + 1}").children():
                h = block(h)
            if i < self.levels - 1:
                h = layers[f"encoder.level{i + 1}"] = F.max_pool2d(h, 2)
        h = layers["encoder.pooled"] = h.mean((2, 3))
        layers["posterior"] = self.encoder.posterior(h)
        mean, logDeviation = layers["posterior"].chunk(2, 1)
        return mean, 2 * logDeviation

    def decode(self, z, layers):
        h = z[:, :, None, None]
        for i in range(self.ups):
            for part in getattr(self.decoder, f"level{i + 1}").children():
                h = part(h)
            if i < self.ups - 1:
                layers[f"decoder.level{i + 1}"] = h
        return h


NETWORKS = {"patched": Patched, "dense": Dense, "residual": ResidualVae}


def vae_case(name, config):
    model = NETWORKS[config["network"]](config)
    draws = Draws(name)
    with torch.no_grad():
        for key, value in [*model.named_parameters(), *model.named_buffers()]:
            if not value.is_floating_point():
                continue
            if key.endswith("running_var") or "norm" in key and key.endswith("weight"):
                value.copy_(draws.positive(*value.shape))
            else:
                value.copy_(draws.normal(*value.shape, scale=0.3))
    size, batch = config["size"], config["batch"]
    shape = (batch, config["channels"], size, size)
    pixels, target = (torch.randint(256, shape, generator=draws.generator).to(torch.float64) for _ in range(2))
    noise = draws.normal(batch, config["latent"])
    statistics = {key: value.clone() for key, value in model.named_buffers() if value.is_floating_point()}
    bernoulli = config["likelihood"] == "bernoulli"

    def ranged(x):
        return x / 255 if bernoulli else x / 127.5 - 1

    def padded(x):
        return F.pad(ranged(x), (0, model.padded - size, 0, model.padded - size))

    model.eval()
    layers = {}
    mean, _ = model.encode(padded(pixels), layers)
    layers["mean"] = mean
    image = model.decode(mean, layers)[:, :, :size, :size]

    model.train()
    mean, logVariance = model.encode(padded(pixels), {})
    output = model.decode(mean + (logVariance / 2).exp() * noise, {})[:, :, :size, :size]
    if bernoulli:
        reconstruction = F.binary_cross_entropy_with_logits(output, ranged(target), reduction="sum") / batch
    else:
        reconstruction = -torch.distributions.Normal(output, 1.0).log_prob(ranged(target)).sum() / batch
    posterior = torch.distributions.Normal(mean, (logVariance / 2).exp())
    prior = torch.distributions.Normal(0.0, 1.0)
    divergence = torch.distributions.kl_divergence(posterior, prior).sum() / batch
    loss = reconstruction + config["beta"] * divergence
    parameters = dict(model.named_parameters())
    gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values()))))
    after = {f"after {key}": value for key, value in model.named_buffers() if value.is_floating_point()}
    outputs = {
        "loss": loss,
        "reconstruction": reconstruction,
        "divergence": divergence,
        "image": torch.sigmoid(image) if bernoulli else (image + 1) / 2,
        **layers,
        **after,
    }
    inputs = {"pixels": pixels, "target": target, "noise": noise, **parameters, **statistics}
    return entry(name, config, inputs, outputs, gradients)


SMALL = {"width": 2, "hidden": 5, "latent": 3, "likelihood": "bernoulli", "beta": 1, "batch": 3}
CASES = [
    vae_case("patched", {**SMALL, "network": "patched", "size": 6, "channels": 3, "beta": 0.5}),
    vae_case("dense", {**SMALL, "network": "dense", "size": 8, "channels": 1}),
    vae_case(
        "residual",
        {"network": "residual", "encoderChannels": [2, 3], "decoderChannels": [3, 2], "latent": 4, "beta": 1}
        | {"likelihood": "gaussian", "size": 7, "channels": 3, "batch": 4},
    ),
]


def documents():
    description = "VAEs: a training step's loss with its parts and gradients; layers and image (0..1) in use."
    text = document(__file__, description, CASES, digits=7)
    return {"vae.json": text.replace("reference/vae.py", "reference/models/vae.py")}


if __name__ == "__main__":
    reference.FOLDER = FOLDER
    for file, text in documents().items():
        reference.write(file, text)
