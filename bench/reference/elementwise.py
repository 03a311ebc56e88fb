"""Activations and losses: values and gradients, also far from zero where a naive formula overflows."""

import torch
import torch.nn.functional as F

from reference import Draws, case, document, write

# Large enough that exp(x) overflows in float32 and 1 - tanh(x) vanishes.
FAR = [-100.0, -30.0, -12.5, -4.0, 4.0, 12.5, 30.0, 100.0]


def values(name, *shape):
    """Ordinary values and some far from zero; none at zero, where relu and its like have a corner."""
    x = Draws(name).normal(*shape, scale=2)
    x = torch.where(x == 0, 0.25, x)
    x.view(-1)[: len(FAR)] = torch.tensor(FAR)
    return x


def activation(name, forward, x=None, **attributes):
    x = values(name, 4, 7) if x is None else x
    return case(name, {"operation": name.split(",")[0], **attributes}, {"x": x}, lambda x: forward(x))


def moderate(name):
    """For functions whose far values overflow (exp) or underflow to nothing of interest (erf)."""
    return Draws(name).normal(4, 7, scale=1.5)


def cross_entropy(name, shape, reduction="mean", smoothing=0.0, far=False):
    draws = Draws(name)
    logits = values(name, *shape) if far else draws.normal(*shape, scale=2)
    inputs = {"x": logits, "labels": draws.labels(shape[0], shape[1])}
    attributes = {"operation": "cross_entropy", "reduction": reduction, "labelSmoothing": smoothing}

    def forward(x, labels):
        return F.cross_entropy(x, labels, reduction=reduction, label_smoothing=smoothing)

    return case(name, attributes, inputs, forward)


def binary_cross_entropy(name, reduction):
    target = torch.round(torch.rand(4, 7, generator=Draws(name + "/target").generator), decimals=2)
    target[0, :4], target[1, :4] = 0, 1
    inputs = {"x": values(name, 4, 7), "target": target}

    def forward(x, target):
        return F.binary_cross_entropy_with_logits(x, target, reduction=reduction)

    return case(
        name, {"operation": "bce_with_logits", "reduction": reduction}, inputs, forward, fixed=("target",)
    )


def mean_squared_error(name, reduction):
    draws = Draws(name)
    inputs = {"x": draws.normal(2, 3, 4), "target": draws.normal(2, 3, 4)}
    attributes = {"operation": "mse", "reduction": reduction}
    return case(name, attributes, inputs, lambda x, target: F.mse_loss(x, target, reduction=reduction))


def gaussian_kl():
    """KL(N(m, exp(lv)) || N(0, 1)) = -1/2 sum(1 + lv - m^2 - exp(lv)); arXiv 1312.6114, app. B."""
    draws = Draws("kl")
    inputs = {"mean": draws.normal(3, 6), "logVariance": draws.normal(3, 6)}
    return case(
        "gaussian KL, sum",
        {"operation": "gaussian_kl", "reduction": "sum"},
        inputs,
        lambda mean, logVariance: -0.5 * (1 + logVariance - mean.square() - logVariance.exp()).sum(),
    )


CASES = [
    activation("relu", F.relu),
    activation("leaky_relu", lambda x: F.leaky_relu(x, 0.2), negativeSlope=0.2),
    activation("sigmoid", torch.sigmoid),
    activation("tanh", torch.tanh),
    activation("erf", torch.erf, moderate("erf")),
    activation("exp", torch.exp, moderate("exp")),
    activation("silu", F.silu),
    activation("gelu, erf", F.gelu, approximate="none"),
    activation("gelu, tanh", lambda x: F.gelu(x, approximate="tanh"), approximate="tanh"),
    # PyTorch turns linear above 20 by default, 2e-9 away from softplus; here the function itself.
    activation("softplus", lambda x: F.softplus(x, threshold=1000)),
    activation("log_softmax", lambda x: F.log_softmax(x, 1), axis=1),
    activation("softmax", lambda x: F.softmax(x, 1), axis=1),
    activation("softmax, middle axis", lambda x: F.softmax(x, 1), Draws("middle").normal(2, 5, 3), axis=1),
    cross_entropy("cross_entropy, mean", (5, 10)),
    cross_entropy("cross_entropy, sum", (5, 10), reduction="sum"),
    cross_entropy("cross_entropy, label smoothing 0.1", (4, 6), smoothing=0.1),
    cross_entropy("cross_entropy, logits far apart", (3, 7), far=True),
    cross_entropy("cross_entropy, one class", (3, 1)),
    binary_cross_entropy("bce_with_logits, mean", "mean"),
    binary_cross_entropy("bce_with_logits, sum", "sum"),
    mean_squared_error("mse, mean", "mean"),
    mean_squared_error("mse, sum", "sum"),
    gaussian_kl(),
]


def documents():
    description = "Activations (gradient of sum(y * dy)) and losses (gradient of the loss itself)."
    return {"elementwise.json": document(__file__, description, CASES)}


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
