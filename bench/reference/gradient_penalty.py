"""Gradients of gradients: penalties on a small critic's input gradient, and a generator's path length.

critic: conv 3x3 padding 1 -> (group norm) -> leaky ReLU 0.2 -> conv 3x3 stride 2 -> tanh -> sum per image.
R1 (Mescheder et al., arXiv 1801.04406):  mean over the batch of |df/dx|^2.
WGAN-GP (Gulrajani et al., arXiv 1704.00028):  mean over the batch of (|df/dx| - 1)^2.
Path length (Karras et al., arXiv 1912.04958):  mean over the batch of (|J' u| - a)^2, J = dG/dw.
"""

import torch
import torch.nn.functional as F

from reference import Draws, differentiable, document, entry, write


def critic(x, p, groups=0):
    h = F.conv2d(x, p["w1"], p["b1"], padding=1)
    if groups:
        h = F.group_norm(h, groups, p["gamma"], p["beta"])
    if h.detach().abs().min() < 1e-4:
        raise ValueError(
            "gradient penalty: an activation lies on leaky ReLU's corner; change the case's name"
        )
    h = F.leaky_relu(h, 0.2)
    return torch.tanh(F.conv2d(h, p["w2"], p["b2"], stride=2)).sum((1, 2, 3))


def penalty_case(name, kind, shape, hidden, groups=0):
    draws = Draws(f"penalty/{name}")
    inputs = {
        "x": draws.normal(*shape),
        "w1": draws.normal(hidden, shape[1], 3, 3, scale=0.3),
        "b1": draws.normal(hidden, scale=0.3),
        "w2": draws.normal(3, hidden, 3, 3, scale=0.2),
        "b2": draws.normal(3, scale=0.3),
    }
    if groups:
        inputs["gamma"], inputs["beta"] = draws.normal(hidden) + 1.5, draws.normal(hidden)
    live = differentiable(inputs)
    f = critic(live["x"], live, groups)
    (slope,) = torch.autograd.grad(f.sum(), live["x"], create_graph=True)
    squared = slope.square().sum((1, 2, 3))
    penalty = squared.mean() if kind == "r1" else (squared.sqrt() - 1).square().mean()
    gradients = torch.autograd.grad(penalty, list(live.values()))
    return entry(
        name,
        {"operation": kind, "negativeSlope": 0.2, "groups": groups, "epsilon": 1e-5},
        inputs,
        {"f": f, "inputGradient": slope, "penalty": penalty},
        dict(zip(live, gradients)),
    )


def path_length():
    """G(w): linear to [2, 3, 3], nearest x2, conv 3x3 padding 1, tanh."""
    draws = Draws("path length")
    inputs = {
        "w": draws.normal(3, 4),
        "w1": draws.normal(18, 4, scale=0.5),
        "w2": draws.normal(2, 2, 3, 3, scale=0.3),
        "u": draws.normal(3, 2, 6, 6),
    }
    live = differentiable(inputs)
    image = F.interpolate(F.linear(live["w"], live["w1"]).reshape(3, 2, 3, 3), scale_factor=2)
    image = torch.tanh(F.conv2d(image, live["w2"], padding=1))
    (slope,) = torch.autograd.grad((image * live["u"]).sum(), live["w"], create_graph=True)
    penalty = (slope.square().sum(1).sqrt() - 0.5).square().mean()
    wanted = {key: live[key] for key in ("w", "w1", "w2")}
    return entry(
        "path length",
        {"operation": "path_length", "target": 0.5},
        inputs,
        {"image": image, "latentGradient": slope, "penalty": penalty},
        dict(zip(wanted, torch.autograd.grad(penalty, list(wanted.values())))),
    )


CASES = [
    penalty_case("R1", "r1", (3, 2, 6, 6), 4),
    penalty_case("R1, image 7x5", "r1", (2, 3, 7, 5), 4),
    penalty_case("WGAN-GP", "wgan_gp", (3, 2, 6, 6), 4),
    penalty_case("R1 through group norm", "r1", (2, 2, 6, 6), 4, groups=2),
    path_length(),
]


def documents():
    description = "Double backward: penalty and its gradients; x NCHW, weights as PyTorch keeps them."
    return {"gradient_penalty.json": document(__file__, description, CASES)}


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
