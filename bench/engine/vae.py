"""(a) The reference study's MNIST VAE, one training step in PyTorch; how to talk to it: rival.py.

Encoder conv3 1-32, 32-64 stride 2, 64-128 stride 2, FC 6272-1024-12; latent 6; decoder the mirror image with
transposed convolutions. Loss: binary cross-entropy + KL, both summed. Adam 1e-3. Noise is drawn in the step.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from rival import parse, serve

LATENT = 6


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(64, 128, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(128 * 7 * 7, 1024),
            nn.ReLU(),
            nn.Linear(1024, 2 * LATENT),
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 1024),
            nn.ReLU(),
            nn.Linear(1024, 128 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (128, 7, 7)),
            nn.ConvTranspose2d(128, 64, 3, 2, 1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 3, 1, 1),
        )

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decoder(z), mean, log_variance


def main():
    options = parse("The MNIST VAE of the reference study", batch=128)
    net = VAE().to(memory_format=options.memory_format)
    x = torch.rand(options.batch, 1, 28, 28).to(memory_format=options.memory_format)

    def compute_loss():
        logits, mean, log_variance = net(x)
        # On logits: the study's sigmoid and cross-entropy in one, which overflows nowhere.
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return reconstruction - 0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()

    serve("vae", options, net, compute_loss, torch.optim.Adam(net.parameters(), 1e-3, fused=options.fused))


if __name__ == "__main__":
    main()
