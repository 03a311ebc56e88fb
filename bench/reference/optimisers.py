"""SGD, Adam, AdamW and gradient clipping, driven by given gradients.

Two parameters `a` [3, 2] and `b` [4] take ten steps, step i by `a.gradient`[i] and `b.gradient`[i].
Outputs `a` [10, 3, 2] and `b` [10, 4] hold the parameters after each step.
"""

import torch

from reference import Draws, document, entry, write

STEPS = 10
SHAPES = {"a": (3, 2), "b": (4,)}


def problem():
    draws = Draws("optimisers")
    inputs = {}
    for name, shape in SHAPES.items():
        inputs[name] = draws.normal(*shape)
        gradients = draws.normal(STEPS, *shape)
        # Sizes a thousandfold apart, and one element that never has a gradient (weight decay alone moves it).
        gradients[:, 0] *= 100
        gradients[:, 1] /= 10
        gradients[3] = 0
        gradients[..., -1] = 0 if name == "b" else gradients[..., -1]
        inputs[f"{name}.gradient"] = torch.round(gradients, decimals=3)
    return inputs


def trajectory(name, attributes, create):
    inputs = problem()
    parameters = {key: inputs[key].clone().requires_grad_() for key in SHAPES}
    optimiser = create(list(parameters.values()))
    after = {key: [] for key in SHAPES}
    for step in range(STEPS):
        for key, parameter in parameters.items():
            parameter.grad = inputs[f"{key}.gradient"][step].clone()
        optimiser.step()
        for key, parameter in parameters.items():
            after[key].append(parameter.detach().clone())
    return entry(name, attributes, inputs, {key: torch.stack(values) for key, values in after.items()})


def sgd(name, rate, momentum=0.0, weight_decay=0.0, nesterov=False):
    attributes = {"operation": "sgd", "learningRate": rate, "momentum": momentum, "weightDecay": weight_decay}
    attributes["nesterov"] = nesterov
    return trajectory(
        name,
        attributes,
        lambda p: torch.optim.SGD(p, rate, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov),
    )


def adam(name, kind, rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    attributes = {
        "operation": kind.__name__.lower(),
        "learningRate": rate,
        "beta1": betas[0],
        "beta2": betas[1],
        "epsilon": eps,
        "weightDecay": weight_decay,
    }
    return trajectory(name, attributes, lambda p: kind(p, rate, betas, eps, weight_decay))


def clipping(name, limit):
    """Every gradient times min(1, maxNorm / (norm + 1e-6)), norm over all parameters together."""
    draws = Draws(f"clip/{name}")
    inputs = {"a.gradient": draws.normal(3, 2), "b.gradient": draws.normal(4)}
    parameters = [torch.zeros_like(value).requires_grad_() for value in inputs.values()]
    for parameter, value in zip(parameters, inputs.values()):
        parameter.grad = value.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    outputs = {"norm": norm, **{key: parameter.grad for key, parameter in zip(inputs, parameters)}}
    return entry(name, {"operation": "clip_by_global_norm", "maxNorm": limit}, inputs, outputs)


CASES = [
    sgd("SGD", 0.01),
    sgd("SGD, momentum 0.9", 0.01, momentum=0.9),
    sgd("SGD, momentum 0.9, weight decay 0.1", 0.01, momentum=0.9, weight_decay=0.1),
    sgd("SGD, Nesterov momentum 0.9, weight decay 0.1", 0.01, momentum=0.9, weight_decay=0.1, nesterov=True),
    adam("Adam", torch.optim.Adam, 0.01),
    adam("Adam, betas 0 and 0.99", torch.optim.Adam, 0.002, betas=(0.0, 0.99)),
    adam("Adam, epsilon 0.1, weight decay 0.1", torch.optim.Adam, 0.01, eps=0.1, weight_decay=0.1),
    adam("AdamW, weight decay 0.1", torch.optim.AdamW, 0.01, weight_decay=0.1),
    adam(
        "AdamW, betas 0.8 and 0.95, weight decay 0.01",
        torch.optim.AdamW,
        0.05,
        betas=(0.8, 0.95),
        weight_decay=0.01,
    ),
    clipping("clip by global norm, above the limit", 1.0),
    clipping("clip by global norm, below the limit", 100.0),
]


def documents():
    description = (
        "Optimisers on given gradients: parameters after each of ten steps; clipping by the global norm."
    )
    return {"optimisers.json": document(__file__, description, CASES)}


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
