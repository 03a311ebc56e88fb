"""Writes every reference file, or with --check compares the committed ones with what PyTorch gives now."""

import json
import os
import sys

import torch

import attention
import convolution
import elementwise
import gradient_penalty
import norm
import optimisers
import resampling
import unet_step
import reference

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "models"))
import diffusion  # noqa: E402
import flow  # noqa: E402
import gan  # noqa: E402
import resnet18  # noqa: E402
import vae  # noqa: E402
import vqvae  # noqa: E402

ENGINE = [convolution, norm, elementwise, resampling, optimisers, gradient_penalty, unet_step, attention]
MODELS = [diffusion, flow, gan, resnet18, vae, vqvae]
SCRIPTS = [(script, reference.FOLDER) for script in ENGINE] + [(script, script.FOLDER) for script in MODELS]
# Other versions and machines may round the last digit written the other way.
TOLERANCE = 1e-4


def tensors(text):
    for content in json.loads(text)["cases"]:
        for part in ("inputs", "outputs", "gradients"):
            for name, tensor in content[part].items():
                yield f"{content['name']}: {part}.{name}", tensor


def differences(committed, fresh):
    old, new = dict(tensors(committed)), dict(tensors(fresh))
    for place in sorted(old.keys() ^ new.keys()):
        yield f"{place}: only in {'the file' if place in old else 'the script'}"
    for place in sorted(old.keys() & new.keys()):
        if old[place]["shape"] != new[place]["shape"]:
            yield f"{place}: shape {old[place]['shape']} in the file, {new[place]['shape']} from the script"
            continue
        a, b = (torch.tensor(t["data"], dtype=torch.float64) for t in (old[place], new[place]))
        error = (a - b).abs().max().item() if a.numel() else 0
        if error > TOLERANCE * max(1e-3, b.abs().max().item()):
            yield f"{place}: differs by {error:.2g}"


def check(folder, file, text):
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        return [f"{file}: missing; run all.py without --check"]
    with open(path, encoding="utf-8") as committed:
        return [f"{file}: {difference}" for difference in differences(committed.read(), text)]


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(f"all.py: got {' '.join(arguments)}, expected nothing or --check")
    found = []
    for script, folder in SCRIPTS:
        for file, text in script.documents().items():
            if arguments:
                found += check(folder, file, text)
            else:
                reference.FOLDER = folder
                reference.write(file, text)
    if found:
        sys.exit("\n".join(found))
    if arguments:
        print("all reference values agree")


if __name__ == "__main__":
    main(sys.argv[1:])
