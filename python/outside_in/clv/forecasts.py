"""Sums over all customers: what chance, the parameters and the world at large leave open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

# What to expect of a company that has not shown yet how its quarters vary: as much as the quarters of US online retail
# did around their yearly mean, 2000 to 2003 (U.S. Census Bureau, Retail E-commerce Sales, not adjusted): a year of it.
PRIOR_COMMON_SD = 0.10
PRIOR_FORECASTS = 4
COVERAGE = 0.95


class Total(NamedTuple):
    """A forecast of a sum over customers: its mean, and the variance that chance and the parameters give it."""

    mean: float
    variance: float

    def interval(self, common_sd: float, coverage: float = COVERAGE) -> tuple[float, float]:
        """Ends of the forecast interval: quantiles of a gamma distribution, which has nothing below 0.

        Args:
            common_sd: relative standard deviation of what moves all customers at once and no history tells beforehand:
                seasons, campaigns, prices. See `common_variation`.
            coverage: of the interval.
        """
        variance = self.variance + (common_sd * self.mean) ** 2
        if not variance:
            return self.mean, self.mean
        ends = [(1 - coverage) / 2, (1 + coverage) / 2]
        low, high = stats.gamma.ppf(ends, self.mean**2 / variance, scale=variance / self.mean)
        return float(low), float(high)


def common_variation(earlier: Sequence[tuple[Total, float]], coverage: float = COVERAGE) -> float:
    """Relative standard deviation to allow for what moves all customers at once, from forecasts whose time is over.

    What is left of their squared errors when the forecasts' own variance is taken off. PRIOR_COMMON_SD counts as
    PRIOR_FORECASTS of them, for a few quiet quarters do not show that there is no Christmas; one so small that chance
    alone moves it counts for little. As it is itself an estimate from few, it is widened as Student's t is against the
    normal distribution.

    Args:
        earlier: forecasts and what came; none is allowed.
        coverage: of the interval that it is for.
    """
    prior = PRIOR_COMMON_SD**2
    weight, found = float(PRIOR_FORECASTS), PRIOR_FORECASTS * prior
    for total, actual in earlier:
        if total.mean > 0:
            chance = total.variance / total.mean**2
            told = (prior / (prior + chance)) ** 2
            weight += told
            found += told * ((actual / total.mean - 1) ** 2 - chance)
    end = (1 + coverage) / 2
    return float(max(0.0, found / weight) ** 0.5 * stats.t.ppf(end, weight) / stats.norm.ppf(end))
