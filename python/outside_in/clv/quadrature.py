"""Nodes and weights of the integrals that have no closed form worth having."""

from __future__ import annotations

from functools import cache

import numpy as np

from outside_in.clv.estimation import Floats


@cache
def legendre(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on 0..1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def log_time(scale: Floats, first: Floats, last: Floats, count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights from `first` to `last`, even in ln(scale + u), where power laws are smooth.

    Args:
        scale: above 0, shape n.
        first: lower ends, shape n.
        last: upper ends, shape n.
        count: number of nodes.

    Returns:
        Nodes and weights, both n by count.
    """
    nodes, weights = legendre(count)
    length = np.log((scale + last) / (scale + first))[:, None]
    grown = (scale + first)[:, None] * np.exp(length * nodes)
    return grown - scale[:, None], length * weights * grown


def beta_rule(a: Floats, b: Floats, count: int) -> tuple[Floats, Floats]:
    """Gauss nodes and weights for the expectation over beta distributions.

    Golub and Welsch (1969) on the canonical moments of the beta distribution (Dette and Studden 1997, section 1.3),
    which are free of cancellation however extreme the parameters are.

    Args:
        a: first parameters, shape n.
        b: second parameters, shape n.
        count: number of nodes.

    Returns:
        Nodes in 0..1 and weights that sum to 1, both n by count.
    """
    a, b = a[:, None], b[:, None]
    step = np.arange(1, count + 1)
    odd = (a + step - 1) / (a + b + 2 * step - 2)
    even = step / (a + b + 2 * step - 1)
    chain = np.stack([odd, even], axis=2).reshape(len(a), 2 * count)[:, : 2 * count - 1]
    chain[:, 1:] *= 1 - np.stack([odd, even], axis=2).reshape(len(a), 2 * count)[:, : 2 * count - 2]

    jacobi = np.zeros((len(a), count, count))
    place = np.arange(count)
    jacobi[:, place, place] = chain[:, ::2]
    jacobi[:, place[1:], place[1:]] += chain[:, 1::2]
    # eigh reads the lower triangle.
    jacobi[:, place[1:], place[:-1]] = np.sqrt(chain[:, 0:-1:2] * chain[:, 1::2])
    nodes, vectors = np.linalg.eigh(jacobi)
    return np.clip(nodes, 0, 1), vectors[:, 0, :] ** 2
