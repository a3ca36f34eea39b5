"""Cells of customers with the same history: what every transaction model is fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from outside_in.clv.estimation import Floats, Integers, in_order, runs

DAYS_PER_WEEK = 7
KEYS = ["frequency", "recency_days", "age_days"]


class Counts(NamedTuple):
    """Customers per distinct value, both of one shape."""

    values: Floats
    customers: Floats


@dataclass(frozen=True)
class Histories:
    """Distinct histories in the order of their keys, with the number of customers that have each; arrays of shape n.

    Attributes:
        frequency: days with an order after the first one.
        recency_days: from the first to the last order.
        age_days: from the first order to the end of what is known.
        customers: number of customers.
    """

    frequency: Integers
    recency_days: Integers
    age_days: Integers
    customers: Floats

    @classmethod
    def of(cls, cells: pd.DataFrame) -> Histories:
        """Check the cells and put them in order: sums over them are then the same bits, however the rows arrived.

        Args:
            cells: columns frequency, recency_days, age_days and customer_count, whole numbers.

        Raises:
            ValueError: a column is missing, or a history cannot be.
        """
        frequency, recency, age = columns_of(cells)
        customers = cells["customer_count"].to_numpy(np.float64)
        if customers.size and customers.min() < 0:
            raise ValueError("cells: customer_count below 0")
        order = in_order(frequency, recency, age)
        return cls(frequency[order], recency[order], age[order], customers[order])

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.frequency)

    @property
    def customer_count(self) -> int:
        """Number of customers in all cells."""
        return int(self.customers.sum())

    @cached_property
    def frequencies(self) -> Counts:
        """Customers per distinct frequency."""
        starts = runs(self.frequency)
        return Counts(self.frequency[starts].astype(np.float64), np.add.reduceat(self.customers, starts))

    @cached_property
    def weeks(self) -> Floats:
        """0 to the oldest age in weeks, one per day: what depends on a day alone is computed here, then looked up."""
        return np.arange(int(self.age_days.max(initial=0)) + 1) / DAYS_PER_WEEK

    @cached_property
    def customers_by_age(self) -> Floats:
        """Customers per day of age, like `weeks`."""
        return np.bincount(self.age_days, self.customers, len(self.weeks)).astype(np.float64)

    @cached_property
    def orders_by_age(self) -> Floats:
        """Repeat orders of the customers per day of age, like `weeks`."""
        return np.bincount(self.age_days, self.customers * self.frequency, len(self.weeks)).astype(np.float64)

    def sample(self, cell_count: int) -> Histories:
        """Every n-th cell, at most about `cell_count`: even over frequencies, as the cells are in their order."""
        return self.part(slice(None, None, max(1, -(-len(self) // cell_count))))

    def part(self, rows: slice) -> Histories:
        """Some of the cells."""
        return Histories(self.frequency[rows], self.recency_days[rows], self.age_days[rows], self.customers[rows])

    def chunks(self, size: int) -> Iterator[Histories]:
        """Consecutive parts small enough that what is computed on them stays in the processor's cache."""
        for start in range(0, len(self), size):
            yield self.part(slice(start, start + size))

    def of_customers(self, customers: Floats) -> Histories:
        """The same histories of other customers, without those that nobody has."""
        rows = customers > 0
        return Histories(self.frequency[rows], self.recency_days[rows], self.age_days[rows], customers[rows])


def columns_of(cells: pd.DataFrame) -> tuple[Integers, Integers, Integers]:
    """Frequency, recency and age of cells in their own order, checked.

    Raises:
        ValueError: a column is missing, or a history cannot be.
    """
    missing = [key for key in [*KEYS, "customer_count"] if key not in cells]
    if missing:
        raise ValueError(f"cells: columns {', '.join(missing)} are missing")
    frequency, recency, age = (cells[key].to_numpy(np.int64) for key in KEYS)
    impossible = (frequency < 0) | (recency < 0) | (recency > age) | ((frequency == 0) != (recency == 0))
    if impossible.any():
        row = cells[KEYS].iloc[int(np.flatnonzero(impossible)[0])].to_dict()
        raise ValueError(f"cells: no customer can have {row}; needs 0 <= recency_days <= age_days, 0 without a repeat")
    return frequency, recency, age
