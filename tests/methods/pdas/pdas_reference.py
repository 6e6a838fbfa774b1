"""PDAS once more, slowly: plain loops over lists, matrices written out, straight from the paper.

Nothing here is shared with the package; the tests compare the two.
"""

from __future__ import annotations

import math


def utilities(losses: list[float]) -> list[float]:
    """Each loss's utility: the mean of what all the ranks that it may take would get."""
    lam = len(losses)
    quarter = math.ceil(lam / 4)
    clean = [loss if math.isfinite(loss) else math.inf for loss in losses]
    result = []
    for loss in clean:
        better = sum(other < loss for other in clean)
        equal = sum(other == loss for other in clean)
        shares = []
        for rank in range(better, better + equal):
            shares.append((1 if rank < quarter else 0) - (1 if rank >= lam - quarter else 0))
        result.append(sum(shares) / equal)
    return result


def fisher(theta: list[float]) -> list[list[float]]:
    """Equation (6), of the reduced parameter of one variable."""
    reduced = range(len(theta) - 1)
    return [[(1 / theta[j] if j == k else 0) + 1 / theta[-1] for k in reduced] for j in reduced]


def factor(theta: list[float]) -> list[list[float]]:
    """Equation (14): A of one variable, with 1 the column of ones and sqrt(theta)^T a row."""
    reduced = range(len(theta) - 1)
    c = theta[-1] + math.sqrt(theta[-1])
    return [
        [(1 / math.sqrt(theta[j]) if j == k else 0) + math.sqrt(theta[k]) / c for k in reduced]
        for j in reduced
    ]


class ReferencePDAS:
    """theta, s, gamma and eta of one optimizer, updated by loops."""

    def __init__(self, sizes: list[int], alpha: float = 1.5, fixed: float | None = None) -> None:
        self.sizes, self.alpha, self.fixed = sizes, alpha, fixed
        self.D = sum(K > 1 for K in sizes)
        self.n = sum(K - 1 for K in sizes)
        self.theta = [[1 / K] * K for K in sizes]
        self.s = [[0.0] * (K - 1) for K in sizes]
        self.gamma = 0.0
        self.eta_max = 1 / math.sqrt(self.n)
        self.eta = self.eta_max if fixed is None else fixed

    def minimum(self, K: int) -> float:
        return min(1 / (self.D * (K - 1)), 1 / (2 * K))

    def tell(
        self,
        samples: list[list[int]],
        losses: list[float],
        active: list[list[bool]] | None = None,
    ) -> None:
        lam, D = len(samples), len(self.sizes)
        U = utilities(losses)
        if active is None:
            active = [[True] * D] * lam
        a_U = [[U[n] if active[n][i] else 0.0 for i in range(D)] for n in range(lam)]
        trace = 0.0
        for i, K in enumerate(self.sizes):
            trace += (K - 1) * sum(a_U[n][i] ** 2 for n in range(lam)) / lam**2
        if trace == 0:
            return
        g = []
        for i, K in enumerate(self.sizes):
            g_i = []
            for j in range(K):
                m = [1 if samples[n][i] == j else 0 for n in range(lam)]
                g_i.append(sum(a_U[n][i] * (m[n] - self.theta[i][j]) for n in range(lam)) / lam)
            g.append(g_i)
        old_theta, old_eta = self.theta, self.eta
        self.theta = [
            self.project([t + old_eta * d for t, d in zip(theta_i, g_i, strict=True)])
            for theta_i, g_i in zip(old_theta, g, strict=True)
        ]
        if self.fixed is None:
            self.adapt(old_theta, old_eta, g, trace)

    def project(self, theta: list[float]) -> list[float]:
        K = len(theta)
        if K == 1:
            return [1.0]
        low = self.minimum(K)
        theta = [max(t, low) for t in theta]
        excess, room = 1 - sum(theta), sum(t - low for t in theta)
        return [t + excess / room * (t - low) for t in theta]

    def adapt(
        self, theta: list[list[float]], eta: float, g: list[list[float]], trace: float
    ) -> None:
        for i, K in enumerate(self.sizes):
            A = factor(theta[i]) if K > 1 else []
            for j in range(K - 1):
                A_T_g = sum(A[k][j] * g[i][k] for k in range(K - 1))
                self.s[i][j] = (1 - eta) * self.s[i][j]
                self.s[i][j] += math.sqrt(eta * (2 - eta)) * A_T_g / math.sqrt(trace)
        self.gamma = (1 - eta) ** 2 * self.gamma + eta * (2 - eta)
        length = sum(value**2 for s_i in self.s for value in s_i)
        new_eta = eta * math.exp(eta * (length / self.alpha - self.gamma))
        self.eta = min(max(new_eta, 0.0), self.eta_max)
