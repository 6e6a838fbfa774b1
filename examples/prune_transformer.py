"""A smaller transformer out of a trained one, on the licence texts that Debian ships.

A model like GPT-2, of four blocks, learns to write the characters of licences. Three rules say what
may vary: which of its eight sublayers stay, how many heads attention has, and how wide the hidden
layers are. Then at most 60 % of the parameters are kept, by ways with as many evaluations each:

- the weights are trained along with theta;
- theta alone is searched, and the weights stay as they were;
- architectures are drawn at random, and the best of them is taken;
- the same, of those that use at least 90 % of the limit.

What each finds is tuned for as many steps. Printed is the loss of a text that nothing was trained
on, in nats per character: of the whole model, of what was derived, and after tuning. Takes two
minutes for a seed; `python examples/prune_transformer.py 5` does it for five, with intervals.
`docs/trained-networks.md` says when the search is worth it.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t
from torch import nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

import pdas

NAMES = ["Apache-2.0", "Artistic", "BSD", "CC0-1.0", "GFDL-1.3", "GPL-3", "LGPL-2.1", "MPL-2.0"]
TEXTS = [Path("/usr/share/common-licenses", name) for name in NAMES]
WIDTH, HEADS, BLOCKS, LENGTH, BATCH = 48, 4, 4, 64, 32
TRAINING, EVALUATIONS, TUNING = 500, 200, 100  # steps, losses of a batch, steps
SHARE = 0.6  # of the parameters
WAYS = ("weights trained along", "theta only", "random", "random, near the limit")


class Attention(nn.Module):
    """Causal attention; the number of heads follows from the width of the queries."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        heads = (
            layer(x).unflatten(-1, (-1, WIDTH // HEADS)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        y = scaled_dot_product_attention(*heads, is_causal=True)
        return self.output(y.transpose(1, 2).flatten(2))


class Hidden(nn.Sequential):
    def __init__(self):
        super().__init__()
        self.first, self.gelu, self.last = (
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )  # fmt: skip


class Residual(nn.Module):
    """What a sublayer adds; passed over, it adds nothing."""

    def __init__(self, sublayer):
        super().__init__()
        self.norm, self.sublayer = nn.LayerNorm(WIDTH), sublayer

    def forward(self, x):
        return x + self.sublayer(self.norm(x))


class Transformer(nn.Module):
    """Scores of the next character, `(N, length) -> (N, length, characters)`."""

    def __init__(self, characters):
        super().__init__()
        self.words, self.places = nn.Embedding(characters, WIDTH), nn.Embedding(LENGTH, WIDTH)
        kinds = [Attention, Hidden] * BLOCKS
        self.layers = nn.Sequential(*(Residual(kind()) for kind in kinds))
        self.norm, self.output = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, characters)

    def forward(self, text):
        places = self.places(torch.arange(text.shape[1]))
        return self.output(self.norm(self.layers(self.words(text) + places)))


RULES = {
    "layers.?": "optional",
    "*.query": [1, 2, 4],  # heads, since queries, keys and values are found to belong together
    "*.first": [0.25, 0.5, 1.0],
}


def loss(model, batch):
    """Mean cross entropy of the next character, in nats."""
    scores = model(batch[:, :-1])
    return cross_entropy(scores.flatten(0, 1), batch[:, 1:].flatten())


def read_texts(seed):
    """The texts as numbers of characters, in windows for training and for the test."""
    for path in TEXTS:
        if not path.exists():
            print(f"{path}: not found, goes without")
    texts = [path.read_text(encoding="utf-8") for path in TEXTS if path.exists()]
    if not texts:
        sys.exit("no texts; put any text files into TEXTS")
    text = " ".join(" ".join(texts).split())
    characters = sorted(set(text))
    codes = torch.tensor([characters.index(c) for c in text])
    window = LENGTH + 1
    pieces = codes[: len(codes) // (10 * window) * 10 * window].view(-1, 10 * window)
    order = torch.randperm(len(pieces), generator=torch.Generator().manual_seed(seed))
    test, training = pieces[order].tensor_split([len(pieces) // 5])
    return training.unfold(1, window, 5).flatten(0, 1), test.reshape(-1, window), len(characters)


def trained(model, training, steps, learning_rate):
    """The model after some steps of training."""
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, training[torch.randint(len(training), (BATCH,))]).backward()
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def test_loss(model, test):
    return loss(model, test).item()


def searched(net, training, limit, seed, evaluations, train_weights):
    """The architecture that theta finds, by two losses a step."""
    settings = {"learning_rate": 3e-4} if train_weights else {}
    result = pdas.search(
        net,
        loss,
        training,
        steps=evaluations // 2,
        samples=2,
        theta_samples=2,
        warmup=0,
        finalists=0,
        batch_size=BATCH,
        optimizer={"name": "adamw", **settings},
        train_weights=train_weights,
        limit=limit,
        seed=seed,
        progress=False,
    )
    return result.architecture


@torch.no_grad()
def best_of_random(net, training, limit, seed, evaluations, least):
    """The best of architectures drawn at random within the limit, all on one batch."""
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < evaluations:
        architecture = net.space.uniform(rng)
        if least * limit.maximum <= limit.cost(architecture) <= limit.maximum:
            drawn.append(architecture)
    batch = training[torch.randint(len(training), (BATCH,))]
    return min(drawn, key=lambda a: loss(lambda x: net(x, a), batch).item())


def found_by(way, net, training, limit, seed, evaluations):
    """What one of the ways finds."""
    if way.startswith("random"):
        least = 0.9 if way.endswith("near the limit") else 0
        return best_of_random(net, training, limit, seed, evaluations, least)
    along = way == "weights trained along"
    return searched(net, training, limit, seed, evaluations, train_weights=along)


def one_seed(seed):
    """By way, the test loss as derived and after tuning."""
    torch.manual_seed(seed)
    training, test, characters = read_texts(seed)
    model = trained(Transformer(characters), training, TRAINING, 3e-3)
    found = {"the whole model": [test_loss(model, test)] * 2}

    batches = [training[torch.randint(len(training), (BATCH,))] for _ in range(8)]
    for way in WAYS:
        torch.manual_seed(seed)
        net = pdas.nn.searchable(model, RULES, training[:1, :-1])
        pdas.nn.sort_channels(net, by=loss, batches=batches)
        cost = net.cost("parameters")
        limit = pdas.Limit(cost, SHARE * cost(net.largest))
        architecture = found_by(way, net, training, limit, seed, EVALUATIONS)
        network = net.derive(architecture, keep_weights=True)
        derived = test_loss(network, test)
        found[way] = [derived, test_loss(trained(network, training, TUNING, 1e-3), test)]
    found["the whole model"][1] = test_loss(trained(model, training, TUNING, 1e-3), test)
    return found


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(1)  # faster for a network this small
    all_found = [one_seed(seed) for seed in range(seeds)]
    for way in all_found[0]:
        losses = np.array([found[way] for found in all_found])
        derived, tuned = (f"{mean:.3f}" for mean in losses.mean(0))
        if seeds > 1:  # with half the width of the 95 % interval
            half = t.ppf(0.975, seeds - 1) * losses.std(0, ddof=1) / seeds**0.5
            derived, tuned = (
                f"{m:.3f} +- {h:.3f}" for m, h in zip(losses.mean(0), half, strict=True)
            )
        print(f"{way:<22} as derived {derived}   after {TUNING} steps {tuned}")


if __name__ == "__main__":
    main()
