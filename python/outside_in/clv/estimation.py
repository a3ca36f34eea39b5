"""Maximum likelihood by damped Newton steps on the logarithms of positive parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Outside of this range a parameter says "as good as none" or "all alike": likelihoods are flat there, forecasts no
# longer depend on it, and the weak penalty that begins here keeps the numbers finite. Inside there is no penalty.
LOG_LIMIT = np.log(1e4)
PENALTY = 1e-3

# Nor is a parameter known whose logarithm has a larger standard error: exp(3) up or down would not surprise.
LOG_ERROR_LIMIT = 1.5

# Below this standard error of the logarithm a likelihood is symmetric enough that its curvature tells the interval.
SYMMETRIC_LOG_ERROR = 0.05
COVERAGE = 0.95
MAX_END_STEPS = 40
MAX_LOG_END_STEP = 0.5

MAX_STEPS = 200
MAX_LOG_STEP = 2.0
CONVERGED_GRADIENT = 1e-8


class NotEnoughData(ValueError):
    """The data cannot tell the parameters; the message says what is needed and what was found.

    Args:
        needs: what a fit needs.
        found: what there is of it.
    """

    def __init__(self, needs: str, found: object) -> None:  # noqa: D107  # said above
        super().__init__(f"not enough data: needs {needs}, found {found}")


class Derivatives(NamedTuple):
    """A log-likelihood at one point: its value, gradient (k) and Hessian (k by k) in the parameters themselves."""

    value: float
    gradient: Floats
    hessian: Floats


Likelihood = Callable[[Floats], Derivatives]
Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Fit:
    """Parameters of one model, with what is needed to trust or distrust them.

    Attributes:
        model: name of the model.
        estimates: by parameter name; times are in weeks.
        standard_errors: by parameter name, from the Hessian; None at the boundary, where there is none.
        intervals: 95 % by parameter name, where they were asked for; an end that the data do not set is None, at the
            boundary both.
        log_likelihood: at the estimates, of all customers.
        customer_count: number of customers fitted.
        gradient_norm: of the log-likelihood per customer, in the logarithms of the parameters.
        is_converged: the gradient is zero to rounding.
        is_at_boundary: a parameter ran away or cannot be told, as when nobody ever seems to leave: use a simpler model.
        log_covariance: k by k, of the logarithms of the estimates in their order.
    """

    model: str
    estimates: dict[str, float]
    standard_errors: dict[str, float | None]
    intervals: dict[str, Interval]
    log_likelihood: float
    customer_count: int
    gradient_norm: float
    is_converged: bool
    is_at_boundary: bool
    log_covariance: Floats = field(compare=False, repr=False)

    @property
    def values(self) -> Floats:
        """The estimates in their order, shape k."""
        return np.array(list(self.estimates.values()))


class Stage(NamedTuple):
    """A log-likelihood to climb, and the number of customers in it."""

    likelihood: Likelihood
    customer_count: int


def maximum_likelihood(
    model: str,
    parameters: Sequence[str],
    stages: Sequence[Stage],
    starts: Sequence[Floats],
    with_intervals: bool = False,
) -> Fit:
    """Fit a model.

    Args:
        model: its name.
        parameters: names, all of them positive.
        stages: the last one is of all customers; one before it, of a sample, makes the way there short.
        starts: points to start from, each of shape k; the best end wins.
        with_intervals: of the parameters; on few customers they take as long as the fit, on many no time.
    """
    logs, at = maximum(stages, starts)
    full = stages[-1]
    curvature, directions = np.linalg.eigh(-at.hessian * full.customer_count)
    is_peak = bool(curvature[0] > 0)
    # A direction without curvature is one that nothing depends on; it must not widen any interval.
    spread = np.where(curvature > 0, 1 / np.where(curvature > 0, curvature, 1), 0)
    covariance = (directions * spread) @ directions.T
    log_errors = np.sqrt(np.diag(covariance))
    is_at_boundary = not is_peak or bool((np.abs(logs) > LOG_LIMIT).any() or (log_errors > LOG_ERROR_LIMIT).any())
    norm = float(np.linalg.norm(at.gradient))
    intervals: list[Interval] = []
    if with_intervals:
        intervals = [(None, None)] * len(logs) if is_at_boundary else _intervals(full, logs, at.value, covariance)
    return Fit(
        model=model,
        estimates=dict(zip(parameters, np.exp(logs).tolist(), strict=True)),
        standard_errors={
            name: None if is_at_boundary else float(error)
            for name, error in zip(parameters, np.exp(logs) * log_errors, strict=True)
        },
        intervals=dict(zip(parameters, intervals, strict=False)),
        log_likelihood=(at.value + _penalty(logs)) * full.customer_count,
        customer_count=full.customer_count,
        gradient_norm=norm,
        is_converged=norm < CONVERGED_GRADIENT,
        is_at_boundary=is_at_boundary,
        log_covariance=covariance,
    )


def maximum(stages: Sequence[Stage], starts: Sequence[Floats]) -> tuple[Floats, Derivatives]:
    """Logarithms of the parameters at the top, and the penalised log-likelihood per customer there; arguments as in
    `maximum_likelihood`.
    """
    rough = _per_customer(stages[0])
    logs, at = max((_maximise(rough, np.log(start)) for start in starts), key=lambda end: end[1].value)
    return _maximise(_per_customer(stages[-1]), logs) if len(stages) > 1 else (logs, at)


def in_order(*keys: Floats | Integers) -> NDArray[np.intp] | slice:
    """What puts rows in the order of their keys, first key first; nothing to do where they are already."""
    ahead, same = np.zeros(max(len(keys[0]) - 1, 0), bool), np.ones(max(len(keys[0]) - 1, 0), bool)
    for key in keys:
        ahead |= same & (key[1:] > key[:-1])
        same &= key[1:] == key[:-1]
    return slice(None) if (ahead | same).all() else np.lexsort(keys[::-1])


def runs(ordered: Floats | Integers) -> NDArray[np.intp]:
    """Where each distinct value of an ordered array, not empty, begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def softplus(odds: Floats) -> tuple[Floats, Floats]:
    """ln(1 + exp(odds)) and its slope, the probability of these log-odds; faster than two calls of SciPy."""
    small = np.exp(-np.abs(odds))
    return np.maximum(odds, 0) + np.log1p(small), np.where(odds > 0, 1.0, small) / (1 + small)


def _per_customer(stage: Stage) -> Likelihood:
    """The mean log-likelihood in the logarithms of the parameters, less the penalty outside of the range."""

    def objective(logs: Floats) -> Derivatives:
        values = np.exp(logs)
        at = stage.likelihood(values)
        slope = values * at.gradient
        curve = np.diag(slope) + np.outer(values, values) * at.hessian
        beyond = _beyond(logs)
        return Derivatives(
            at.value / stage.customer_count - _penalty(logs),
            slope / stage.customer_count - PENALTY * beyond,
            curve / stage.customer_count - PENALTY * np.diag((beyond != 0).astype(float)),
        )

    return objective


def _intervals(stage: Stage, logs: Floats, top: float, covariance: Floats) -> list[Interval]:
    """Intervals of the parameters: where no others of that parameter are less than so much less likely.

    A likelihood that is not symmetric, as that of a chance of leaving few of which were seen, gives an interval that is
    not symmetric; one from the curvature holds such a truth in 91 instead of 95 %.
    """
    objective = _per_customer(stage)
    reach = NormalDist().inv_cdf((1 + COVERAGE) / 2)
    lowest = top - reach**2 / 2 / stage.customer_count
    intervals: list[Interval] = []
    for place, error in enumerate(np.sqrt(np.diag(covariance))):
        away = reach * covariance[place] / error
        if error < SYMMETRIC_LOG_ERROR:
            low, high = logs[place] - away[place], logs[place] + away[place]
        else:
            low, high = (_end(objective, logs + side * away, place, lowest) for side in (-1, 1))
        # An end on the other side of the estimate, or where likelihoods are flat, is none.
        intervals.append(
            (
                float(np.exp(low)) if -LOG_LIMIT < low < logs[place] else None,
                float(np.exp(high)) if logs[place] < high < LOG_LIMIT else None,
            )
        )
    return intervals


def _end(objective: Likelihood, logs: Floats, place: int, lowest: float) -> float:
    """Logarithm of one parameter where the best likelihood over all others is `lowest`; nan where none is found.

    Venzon and Moolgavkar (1988), Applied Statistics 37(1) 87-94: Newton steps for the value and the other gradients.
    """
    for _ in range(MAX_END_STEPS):
        at = objective(logs)
        gaps, slopes = at.gradient.copy(), at.hessian.copy()
        gaps[place], slopes[place] = at.value - lowest, at.gradient
        try:
            step = -np.linalg.solve(slopes, gaps)
        except np.linalg.LinAlgError:
            break
        longest = np.abs(step).max()
        logs = logs + step * min(1, MAX_LOG_END_STEP / max(longest, 1e-300))
        # Errors are squared by each step.
        if longest < 1e-5:
            return float(logs[place])
    return np.nan


def _beyond(logs: Floats) -> Floats:
    """How far outside of the range each logarithm is, with its sign."""
    return np.asarray(np.sign(logs) * np.maximum(np.abs(logs) - LOG_LIMIT, 0))


def _penalty(logs: Floats) -> float:
    return PENALTY / 2 * float(_beyond(logs) @ _beyond(logs))


def _maximise(objective: Likelihood, logs: Floats) -> tuple[Floats, Derivatives]:
    """Newton steps uphill: where the surface is not concave the absolute curvature sets the length of the step."""
    at = objective(logs)
    for _ in range(MAX_STEPS):
        curvature, directions = np.linalg.eigh(-at.hessian)
        step = directions @ ((directions.T @ at.gradient) / np.maximum(np.abs(curvature), 1e-9))
        step *= min(1, MAX_LOG_STEP / max(np.abs(step).max(), 1e-300))
        # Close to the top the gain is smaller than the rounding of the value, so that much loss is none. Its terms are
        # far larger than their sum where nobody leaves, so the rounding is more than that of one number.
        lowest = at.value - 1e-11 * abs(at.value)
        for _ in range(40):
            ahead = objective(logs + step)
            if ahead.value >= lowest:
                break
            step = step / 2
        else:
            break
        logs, at = logs + step, ahead
        # Errors are squared by each step: after one this small they are nothing.
        if np.abs(step).max() < 1e-6:
            break
    return logs, at
