"""Scaled dot-product attention, attention of several heads and a transformer block: values and all gradients."""

import torch
import torch.nn.functional as F

from reference import Draws, case, document, write

WEIGHTS = ("query", "key", "value", "output")


def heads_of(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attend(x, weights, heads, causal):
    q, k, v = (heads_of(F.linear(x, *weights[name]), heads) for name in WEIGHTS[:3])
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return F.linear(mixed.transpose(1, 2).flatten(2), *weights["output"])


def projections(draws, channels):
    inputs = {}
    for name in WEIGHTS:
        inputs[f"{name}_weight"] = draws.normal(channels, channels, scale=0.5)
        inputs[f"{name}_bias"] = draws.normal(channels, scale=0.5)
    return inputs


def gathered(given):
    return {name: (given[f"{name}_weight"], given[f"{name}_bias"]) for name in WEIGHTS}


def attention(name, batch, length, channels, heads, causal):
    draws = Draws(f"attention/{name}")
    inputs = {"x": draws.normal(batch, length, channels), **projections(draws, channels)}
    attributes = {"operation": "attention", "heads": heads, "causal": causal}
    return case(name, attributes, inputs, lambda x, **given: attend(x, gathered(given), heads, causal))


def block(name, batch, length, channels, heads, hidden, causal):
    """torch.nn.TransformerEncoderLayer(norm_first=True, activation=gelu) with the given weights."""
    draws = Draws(f"block/{name}")
    inputs = {"x": draws.normal(batch, length, channels), **projections(draws, channels)}
    for norm in ("norm1", "norm2"):
        inputs[f"{norm}_weight"] = draws.normal(channels, scale=0.3) + 1
        inputs[f"{norm}_bias"] = draws.normal(channels, scale=0.3)
    inputs["linear1_weight"] = draws.normal(hidden, channels, scale=0.5)
    inputs["linear1_bias"] = draws.normal(hidden, scale=0.5)
    inputs["linear2_weight"] = draws.normal(channels, hidden, scale=0.5)
    inputs["linear2_bias"] = draws.normal(channels, scale=0.5)

    def forward(x, **given):
        layer = torch.nn.TransformerEncoderLayer(
            channels, heads, hidden, dropout=0.0, activation=F.gelu, batch_first=True, norm_first=True
        )
        joined = [torch.cat([given[f"{one}_{kind}"] for one in WEIGHTS[:3]]) for kind in ("weight", "bias")]
        state = {"self_attn.in_proj_weight": joined[0], "self_attn.in_proj_bias": joined[1]}
        for kind in ("weight", "bias"):
            state[f"self_attn.out_proj.{kind}"] = given[f"output_{kind}"]
            for part in ("norm1", "norm2", "linear1", "linear2"):
                state[f"{part}.{kind}"] = given[f"{part}_{kind}"]
        mask = torch.nn.Transformer.generate_square_subsequent_mask(length) if causal else None
        return torch.func.functional_call(layer, state, (x,), {"src_mask": mask})

    attributes = {"operation": "block", "heads": heads, "hidden": hidden, "causal": causal}
    return case(name, attributes, inputs, forward)


CASES = [
    attention("attention, one head", 2, 3, 4, 1, False),
    attention("attention, two heads, causal", 2, 5, 4, 2, True),
    block("transformer block, two heads", 2, 3, 4, 2, 6, False),
    block("transformer block, causal", 1, 4, 4, 2, 8, True),
]


def documents():
    description = "Attention: x [batch, length, channels], linear weights [out, in], gradients of sum(y * dy)."
    return {"attention.json": document(__file__, description, CASES)}


if __name__ == "__main__":
    for file, text in documents().items():
        write(file, text)
