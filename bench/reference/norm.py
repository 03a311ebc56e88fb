"""Group, batch, layer and RMS norm: values, all gradients, and batch norm's running statistics.

Batch norm normalises by the biased variance and keeps the unbiased one, as PyTorch does:
running = (1 - momentum) * running + momentum * statistic.
"""

import torch
import torch.nn.functional as F

from reference import Draws, case, document, write


def affine(draws, *shape):
    return {"weight": draws.normal(*shape) + 1, "bias": draws.normal(*shape)}


def group_norm(name, shape, groups, eps=1e-5):
    draws = Draws(f"group_norm/{name}")
    inputs = {"x": draws.normal(*shape) + 0.5, **affine(draws, shape[1])}
    attributes = {"operation": "group_norm", "groups": groups, "epsilon": eps}
    return case(name, attributes, inputs, lambda x, weight, bias: F.group_norm(x, groups, weight, bias, eps))


def batch_norm(name, shape, training=True, momentum=0.1, eps=1e-5):
    draws = Draws(f"batch_norm/{name}")
    inputs = {"x": draws.normal(*shape) * 2 - 0.5, **affine(draws, shape[1])}
    inputs["runningMean"], inputs["runningVariance"] = draws.normal(shape[1]), draws.positive(shape[1])
    mean, variance = inputs["runningMean"].clone(), inputs["runningVariance"].clone()

    def forward(x, weight, bias, runningMean, runningVariance):
        return F.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)

    attributes = {"operation": "batch_norm", "training": training, "momentum": momentum, "epsilon": eps}
    content = case(name, attributes, inputs, forward, fixed=("runningMean", "runningVariance"))
    content["outputs"].update(runningMean=mean, runningVariance=variance)
    return content


def layer_norm(name, shape, axes, eps=1e-5):
    draws = Draws(f"layer_norm/{name}")
    normalised = shape[-axes:]
    inputs = {"x": draws.normal(*shape) + 0.5, **affine(draws, *normalised)}
    attributes = {"operation": "layer_norm", "normalisedAxes": axes, "epsilon": eps}
    return case(
        name, attributes, inputs, lambda x, weight, bias: F.layer_norm(x, normalised, weight, bias, eps)
    )


def rms_norm(name, shape, axes=1, eps=1e-6):
    draws = Draws(f"rms_norm/{name}")
    normalised = shape[-axes:]
    inputs = {"x": draws.normal(*shape) + 0.5, "weight": draws.normal(*normalised) + 1}
    attributes = {"operation": "rms_norm", "normalisedAxes": axes, "epsilon": eps}
    return case(name, attributes, inputs, lambda x, weight: F.rms_norm(x, normalised, weight, eps))


def second_order(name, attributes, inputs, forward):
    """Gradients of sum((d sum(y * dy) / dx)^2): the backward pass of a norm has to have a gradient itself."""
    content = case(name, attributes, inputs, forward)
    live = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    upstream = content["inputs"]["dy"].clone().requires_grad_()
    (dx,) = torch.autograd.grad(forward(**live), live["x"], upstream, create_graph=True)
    penalty = dx.square().sum()
    wanted = {"x": live["x"], "weight": live["weight"], "dy": upstream}
    content["outputs"] = {"dx": dx, "penalty": penalty}
    content["gradients"] = dict(zip(wanted, torch.autograd.grad(penalty, list(wanted.values()))))
    return content


def second_order_cases():
    draws = Draws("second order")
    group = {"x": draws.normal(2, 4, 3, 3), **affine(draws, 4)}
    batch = {"x": draws.normal(3, 2, 3, 2), **affine(draws, 2)}
    layer = {"x": draws.normal(3, 5), **affine(draws, 5)}
    root = {"x": draws.normal(3, 5), "weight": draws.normal(5) + 1}
    return [
        second_order(
            "second order, group norm",
            {"operation": "group_norm", "groups": 2, "epsilon": 1e-5},
            group,
            lambda x, weight, bias: F.group_norm(x, 2, weight, bias, 1e-5),
        ),
        second_order(
            "second order, batch norm",
            {"operation": "batch_norm", "training": True, "epsilon": 1e-5},
            batch,
            lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, True, 0.1, 1e-5),
        ),
        second_order(
            "second order, layer norm",
            {"operation": "layer_norm", "normalisedAxes": 1, "epsilon": 1e-5},
            layer,
            lambda x, weight, bias: F.layer_norm(x, [5], weight, bias, 1e-5),
        ),
        second_order(
            "second order, RMS norm",
            {"operation": "rms_norm", "normalisedAxes": 1, "epsilon": 1e-6},
            root,
            lambda x, weight: F.rms_norm(x, [5], weight, 1e-6),
        ),
    ]


CASES = [
    group_norm("group norm, 4 groups", (2, 8, 4, 3), 4),
    group_norm("group norm, one group, 5x3", (3, 4, 5, 3), 1),
    group_norm("group norm, a group per channel", (2, 4, 3, 4), 4),
    group_norm("group norm, image 1x1", (3, 6, 1, 1), 2),
    group_norm("group norm, one value per group", (2, 3, 1, 1), 3),
    group_norm("group norm, no spatial axes, epsilon 0.1", (3, 8), 2, eps=0.1),
    batch_norm("batch norm", (3, 3, 4, 4)),
    batch_norm("batch norm, momentum 0.3, epsilon 0.01, 3x5", (3, 4, 3, 5), momentum=0.3, eps=0.01),
    batch_norm("batch norm, no spatial axes", (6, 5)),
    batch_norm("batch norm, one image", (1, 2, 3, 3)),
    batch_norm("batch norm, evaluation", (2, 3, 3, 3), training=False),
    layer_norm("layer norm over the last axis", (3, 4, 6), 1),
    layer_norm("layer norm over the last three axes", (2, 3, 4, 2), 3),
    rms_norm("RMS norm over the last axis", (3, 4, 6)),
    rms_norm("RMS norm over the last two axes", (2, 3, 4), axes=2),
    *second_order_cases(),
]


def documents():
    description = (
        "Norms: x NCHW (or NC), gradients of sum(y * dy); `second order`: gradients of penalty = sum(dx^2)."
    )
    return {"norm.json": document(__file__, description, CASES)}


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
