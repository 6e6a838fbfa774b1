"""Algorithm 1 of the paper, whole: the loop below, each line with the paper's line number.

`pdas.search` runs the same loop, with checkpoints, several devices and a comparison of finalists.
Takes about 10 seconds.
"""

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

import pdas
from pdas.nn import Choice, Linear, OptionalLayer, Value

torch.manual_seed(0)
torch.set_num_threads(1)  # faster for a network this small
width = Value("width", [2, 8, 32])
activations = {"relu": torch.nn.ReLU(), "sigmoid": torch.nn.Sigmoid()}
hidden = OptionalLayer("hidden", Linear(width, width))
module = torch.nn.Sequential(
    Linear(64, width), Choice("activation", activations), hidden, Linear(width, 10)
)
x, y = map(torch.tensor, load_digits(return_X_y=True))
x = (x / 16).float()
T = 1500


def batch(half):
    rows = half[torch.randint(len(half), (64,))]
    return x[rows], y[rows]


# --- Algorithm 1
D_W, D_theta = torch.randperm(len(x)).chunk(2)  # Require: training data D = {D_W, D_theta}
net = pdas.nn.Supernet(module)  # 1: initialize W, ...
optimizer = pdas.PDAS(net.space, seed=0)  # 1: ... theta, and the adaptation of eta
sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for _ in range(T):  # 2
    M = optimizer.ask(2)  # 3: sample M_1 and M_2 from p_theta
    images, labels = batch(D_W)
    losses = [cross_entropy(net(images, m), labels) for m in M]
    sgd.zero_grad(set_to_none=True)
    (sum(losses) / 2).backward()  # 4: the gradient (2)
    sgd.step()  # 5: update W
    images, labels = batch(D_theta)
    with torch.no_grad():  # with the updated W, and without a backward pass
        losses = [cross_entropy(net(images, m), labels).item() for m in M]
    optimizer.tell(M, losses)  # 6: update theta by (4); 7: update eta by (13)
found = optimizer.best()  # 9: the most likely architecture
network = net.derive(found)  # 10: with fresh weights, to be trained again
# --- end

adam = torch.optim.Adam(network.parameters(), lr=0.003)
for _ in range(500):
    images, labels = batch(torch.arange(1500))
    adam.zero_grad()
    cross_entropy(network(images), labels).backward()
    adam.step()
print(found)
print(f"decided {optimizer.decided:.2f}, eta {optimizer.eta:.4f}")
wrong = (network(x[1500:]).argmax(1) != y[1500:]).float().mean()
print(f"test error after retraining: {100 * wrong:.1f} %")
