"""Programs that run in each checkout: a small search, and what shows all that a search found."""

OBSERVER = '''
"""Runs a program, and writes in full what its searches found; with a second argument resumable."""
import hashlib, json, runpy, sys
import pdas

search, tell, searches, told = pdas.search, pdas.PDAS.tell, [], []

def checkpoints(folder):
    modules = [module for name, module in sys.modules.items() if name.startswith("pdas")]
    return next(m.Checkpoints for m in modules if hasattr(m, "Checkpoints"))(folder, seconds=0)

def listed(optimizer):
    return {name: list(map(float, theta)) for name, theta in optimizer.theta.items()}

def measured(progress):
    own = {"eta": progress.eta} if hasattr(progress, "eta") else {}  # before it was a measure
    if own:
        own["convergence"] = progress.convergence
    return {"step": progress.step, **own, **progress.measures}

def observed_search(net, *args, **options):
    if len(sys.argv) > 2:
        options["checkpoints"] = checkpoints(sys.argv[2])
    result = search(net, *args, **options)
    weights = [tensor.numpy().tobytes() for tensor in net.state_dict().values()]
    searches.append({
        "architecture": result.architecture.to_dict(),
        "theta": listed(result.optimizer),
        "history": [measured(p) for p in result.history],
        "weights": hashlib.sha256(b"".join(weights)).hexdigest(),
    })
    return result

def observed_tell(self, *args, **options):
    told[:] = [self]
    return tell(self, *args, **options)

pdas.search, pdas.PDAS.tell = observed_search, observed_tell
runpy.run_path(sys.argv[1], run_name="__main__")
with open("searched.json", "w") as file:
    json.dump(searches or listed(told[-1]), file)  # the latter of a loop of one's own
'''

OWN_NETWORK = """
import pdas, torch
from pdas.nn import BatchNorm1d, Choice, Linear, OptionalLayer, Repeat, Value
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

torch.manual_seed(0)
width = Value("width", [2, 8, 32])
module = torch.nn.Sequential(
    Linear(64, width),
    OptionalLayer("norm", BatchNorm1d(width)),
    Choice("activation", {"relu": torch.nn.ReLU(), "sigmoid": torch.nn.Sigmoid()}),
    Repeat("depth", [Linear(width, width) for _ in range(2)]),
    torch.nn.Dropout(0.1),  # draws from the global generator
    Linear(width, 10),
)

def loss(model, batch):
    scores = model(batch[0])
    wrong = (scores.argmax(1) != batch[1]).float().mean()
    return {"loss": cross_entropy(scores, batch[1]), "error": wrong}

x, y = map(torch.tensor, load_digits(return_X_y=True))
data = torch.utils.data.TensorDataset((x / 16).float(), y)
net = pdas.nn.Supernet(module)
result = pdas.search(net, loss, data, epochs=100, seed=1)
torch.manual_seed(0)
network = net.derive(result.architecture).eval()
print(result.architecture, network(data.tensors[0]).double().sum().item())
"""
