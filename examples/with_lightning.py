"""The search inside of Lightning: manual optimization, Lightning's loaders, logs and devices.

A LightningModule holds the supernet and the optimizer of architectures; its training step is
Algorithm 1. scikit-learn's wine data. Takes about 10 seconds; needs `pip install lightning`.
"""

import lightning
import torch
from lightning.pytorch.utilities import CombinedLoader
from sklearn.datasets import load_wine
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

import pdas
from pdas.nn import BatchNorm1d, Choice, Linear, OptionalLayer, Value


def network(columns, classes):
    width = Value("width", [4, 16, 64])
    activations = {"relu": nn.ReLU(), "tanh": nn.Tanh()}
    return nn.Sequential(
        Linear(columns, width),
        OptionalLayer("norm", BatchNorm1d(width)),
        Choice("activation", activations),
        Linear(width, classes),
    )


class Search(lightning.LightningModule):
    def __init__(self, net):
        super().__init__()
        self.automatic_optimization = False
        self.net = net
        self.theta_optimizer = pdas.PDAS(net.space, seed=0)

    def configure_optimizers(self):
        sgd = torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)
        return [sgd], [torch.optim.lr_scheduler.CosineAnnealingLR(sgd, self.trainer.max_epochs)]

    def losses(self, pair, batch):
        x, y = batch
        return torch.stack([cross_entropy(self.net(x, a), y) for a in pair])

    def training_step(self, batch, index):
        sgd, pair = self.optimizers(), self.theta_optimizer.ask(2)
        loss = self.losses(pair, batch["weights"]).mean()  # the weights learn from one half
        sgd.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(sgd, gradient_clip_val=5.0)
        sgd.step()
        with torch.no_grad():  # theta learns from the other half, with the new weights
            theta_losses = self.losses(pair, batch["theta"])
        self.theta_optimizer.tell(pair, theta_losses.tolist(), [self.net.active(a) for a in pair])
        self.log_dict({"loss": loss, "decided": self.theta_optimizer.decided})

    def on_train_epoch_end(self):
        self.lr_schedulers().step()

    def on_save_checkpoint(self, checkpoint):
        checkpoint["theta"] = self.theta_optimizer.state_dict()

    def on_load_checkpoint(self, checkpoint):
        self.theta_optimizer.load_state_dict(checkpoint["theta"])


def main():
    lightning.seed_everything(0, verbose=False)
    x, y = load_wine(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    halves = random_split(TensorDataset(torch.tensor(x).float(), torch.tensor(y)), [0.5, 0.5])
    first, second = (DataLoader(half, 32, shuffle=True, drop_last=True) for half in halves)
    search = Search(pdas.nn.Supernet(network(columns=x.shape[1], classes=3)))
    trainer = lightning.Trainer(
        max_epochs=100,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(search, CombinedLoader({"weights": first, "theta": second}, "max_size_cycle"))
    print(search.theta_optimizer.best())
    print(f"loss {trainer.callback_metrics['loss']:.3f}, "
          f"decided {search.theta_optimizer.decided:.2f}")  # fmt: skip
    print(search.net.derive(search.theta_optimizer.best()))


if __name__ == "__main__":
    main()
