"""What the scripts of this folder share: seeded inputs, gradients, and the one JSON form (README.md).

Everything is computed in float64. Inputs have one to three decimals, so that they are the same numbers in
float64, in float32 and in the file; results keep 8 significant digits (a convolution's are then exact).
"""

import json
import math
import os
import zlib

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

FOLDER = os.path.normpath(
    os.path.join(os.path.dirname(__file__), "..", "..", "packages", "onnx-autodiff", "test", "reference")
)


class Draws:
    """Random inputs of one case. Seeded by the case's name, so that adding a case changes no other."""

    def __init__(self, name):
        self.generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))

    def normal(self, *shape, scale=1.0, decimals=2):
        values = torch.randn(shape, generator=self.generator) * scale
        return torch.round(values, decimals=decimals)

    def positive(self, *shape):
        return torch.round(torch.rand(shape, generator=self.generator) + 0.5, decimals=3)

    def distinct(self, *shape):
        """No two values equal: a maximum and its gradient are then the same in every implementation."""
        count = math.prod(shape)
        order = torch.randperm(count, generator=self.generator).to(torch.float64)
        return torch.round((order - count // 2) / 64, decimals=3).reshape(shape)

    def labels(self, count, classes):
        return torch.randint(classes, (count,), generator=self.generator)


def differentiable(inputs):
    """Copies of the inputs that record gradients; whole numbers (labels) stay as they are."""
    return {
        name: value.clone().requires_grad_() if value.is_floating_point() else value
        for name, value in inputs.items()
    }


def case(name, attributes, inputs, forward, fixed=(), decimals=2):
    """One case: y = forward(inputs), a random upstream gradient dy, and the gradients of sum(y * dy).

    `fixed` names inputs that take no gradient; `decimals` are dy's. A scalar y is a loss: its upstream
    gradient is 1 and no dy is written.
    """
    live = differentiable(inputs)
    y = forward(**live)
    wanted = {key: value for key, value in live.items() if value.requires_grad and key not in fixed}
    written = dict(inputs)
    upstream = torch.ones(())
    if y.dim() > 0:
        upstream = Draws(name + "/dy").normal(*y.shape, decimals=decimals)
        written["dy"] = upstream
    gradients = torch.autograd.grad(y, list(wanted.values()), upstream)
    return entry(name, attributes, written, {"y": y}, dict(zip(wanted, gradients)))


def entry(name, attributes, inputs, outputs, gradients=None):
    return {
        "name": name,
        "attributes": attributes,
        "inputs": inputs,
        "outputs": outputs,
        "gradients": gradients or {},
    }


def number(value, digits):
    """The shortest text of a value, `digits` being significant digits or a text such as "6 decimals"."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise ValueError(f"reference value: got {value}, expected a finite number")
    # What rounding in float64 leaves of a zero.
    if abs(value) < 1e-12:
        return "0"
    if isinstance(digits, str):
        value, digits = round(value, int(digits.split()[0])), 15
    text = f"{value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa = str(int(mantissa))
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def tensor_json(value, digits):
    value = value.detach()
    kind = "" if value.is_floating_point() else '"dtype": "int64", '
    data = ",".join(number(v, digits) for v in value.flatten().tolist())
    return f'{{{kind}"shape": {json.dumps(list(value.shape))}, "data": [{data}]}}'


def tensors_json(tensors, digits):
    lines = [f"        {json.dumps(name)}: {tensor_json(value, digits)}" for name, value in tensors.items()]
    return "{\n" + ",\n".join(lines) + "\n      }" if lines else "{}"


def case_json(content, digits):
    parts = [
        f'      "name": {json.dumps(content["name"])}',
        f'      "attributes": {json.dumps(content["attributes"])}',
    ]
    for key in ("inputs", "outputs", "gradients"):
        parts.append(f'      "{key}": {tensors_json(content[key], digits)}')
    return "    {\n" + ",\n".join(parts) + "\n    }"


def document(script, description, cases, digits=8):
    """The whole file's text; one line per tensor, so that a change shows which tensor it touched."""
    names = [content["name"] for content in cases]
    if len(set(names)) != len(names):
        raise ValueError(f"{script}: case names must differ, got {sorted(names)}")
    head = {
        "description": description,
        "generatedBy": f"bench/reference/{os.path.basename(script)}",
        "torch": torch.__version__.split("+")[0],
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    lines.append('  "cases": [\n' + ",\n".join(case_json(content, digits) for content in cases) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(file, text):
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, file), "w", encoding="utf-8", newline="\n") as out:
        out.write(text)
    print(f"{file}: {len(text) / 1000:.0f} kB")
