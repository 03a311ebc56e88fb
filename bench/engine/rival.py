"""A PyTorch training loop that waits to be told to run: vae.py, unet.py and resnet18.py hand it a model.

Two engines measured one after the other see different machines (other tenants, clock, heat). So each engine
is a process that the driver starts once and lets run a few steps in turn. One JSON line out for each line in:

  (at start)  {"model", "torch", "layout", "batch", "threads", "compiled", "fused", "parameters", "base_mb"}
  run K    -> {"ms": [K numbers], "loss": the last step's, "peak_mb": so far}
  quit     -> ends, as does the end of the input
  else     -> {"error": what was wrong}
"""

import argparse
import json
import math
import resource
import signal
import sys
import time

import torch


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number of at least 1")
    return value


def parse(description, batch):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--layout", choices=["first", "last"], default="first", help="channels first or last")
    parser.add_argument("--batch", type=positive, default=batch)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--compile", action="store_true", help="torch.compile the loss; needs a C++ compiler")
    parser.add_argument(
        "--fused",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="PyTorch's fused optimiser: one pass over each parameter. Not its default, but its fastest",
    )
    options = parser.parse_args()
    # Ctrl-C on the driver reaches the rivals too; they end without a trace.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Before any tensor exists: the drawing of weights and data depends on it.
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    options.memory_format = torch.channels_last if options.layout == "last" else torch.contiguous_format
    return options


def peak_mb():
    """Most memory ever resident, MiB.

    Not ru_maxrss where it can be helped: Linux carries the parent's figure across fork and exec there.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        kilo = 1024 if sys.platform == "darwin" else 1
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / kilo / 1024


def answer(**content):
    print(json.dumps(content), flush=True)


def serve(name, options, net, compute_loss, optimiser):
    """Announces itself, then runs steps as told. `compute_loss()`: the forward pass, data in memory."""
    if options.compile:
        compute_loss = torch.compile(compute_loss)

    def step():
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        loss = compute_loss()
        loss.backward()
        optimiser.step()
        value = loss.item()
        return (time.perf_counter() - start) * 1e3, value

    answer(
        model=name,
        torch=torch.__version__,
        layout=options.layout,
        batch=options.batch,
        threads=options.threads,
        compiled=options.compile,
        fused=options.fused,
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        base_mb=round(peak_mb()),
    )
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        if len(words) != 2 or words[0] != "run" or not words[1].isdecimal() or int(words[1]) < 1:
            answer(error=f"command: got {line.strip()!r}, expected 'run K' with K of at least 1, or 'quit'")
            continue
        steps = [step() for _ in range(int(words[1]))]
        loss = steps[-1][1]
        answer(
            ms=[round(ms, 2) for ms, _ in steps],
            # JSON has no NaN: null tells the driver that training diverged.
            loss=loss if math.isfinite(loss) else None,
            peak_mb=round(peak_mb()),
        )
