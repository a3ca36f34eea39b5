"""After any run every table is what a full refresh gives; `python -m tests.arrivals` tries that for longer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.arrivals import CHANGES, FAMILIES, Proof, Round, differences, read_rounds, sequences, written

# Each kind of change is in one of them, and each way to run; after every round all tables are compared.
WEB = (
    "next-day:1 bridges:2 late:3 relinked:4 whole:0!; measurements:5 corrections:6 file-gone:7 moved:8 killed:45!;"
    " file-back:1 duplicates:2 as-of:4 twice:0!",
    "identities:1 erasures:2 newcomers:3 articles-changed:4 part:8!; customers-changed:5 ties:6 tombstones:7 rates:8"
    " failed:60!; revivals:1 older-versions:2 schedules:3 identities:4 whole:0!",
    "future:1 broken:2 undated:3 file-replaced:4 killed:5!; setting:5 file-touched:6 as-of:2 part:3!;"
    " next-day:1 setting:6 killed:90!",
    "nameless:1 bridges:2 measurements:3 whole:0!",
)
COMMERCE = (
    "next-day:1 retimed:2 relinked-rows:3 rates:4 recoded:5 whole:0!; identities:6 erasures:7 described:8 as-of:2"
    " tombstones:9 late:1 whole:0!",
)
SERVICE = (
    "next-day:1 legs:2 subjects:3 presences:4 deliveries:5 holidays:6 whole:0!; asked-again:1 asked-again:2"
    " asked-again:3 whole:0!; followed-up:5 retimed:6 relinked-rows:7 recoded:8 as-of:2 killed:70!",
    "described:1 articles-changed:2 identities:3 erasures:4 subjects:5 schedules:6 part:3!; tombstones:7 legs:8 as-of:5"
    " next-day:9 twice:0!",
)
MEDIANS = (
    "next-day:1 retimed:2 measurements:3 late:4 corrections:5 whole:0!; tombstones:6 described:7 as-of:2 whole:0!",
)
SEQUENCES = [
    *(("web", sequence) for sequence in WEB),
    *(("commerce", sequence) for sequence in COMMERCE),
    *(("service", sequence) for sequence in SERVICE),
    *(("medians", sequence) for sequence in MEDIANS),
]
# Of each family, in several tests so that processes share them; `make soak` tries a thousand longer ones.
RANDOM_TESTS, RANDOM_SEQUENCES = 2, 7
ProofOf = Callable[[str], Proof]


@pytest.fixture(scope="module")
def proof_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProofOf]:
    """The company and the kept database of a family, prepared once."""
    folders = []

    @cache
    def proof(family: str) -> Proof:
        folders.append(tmp_path_factory.mktemp(family))
        return Proof(folders[-1], family=family)

    yield proof
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def proof(proof_of: ProofOf) -> Proof:
    """That of the web."""
    return proof_of("web")


@pytest.mark.parametrize(("family", "sequence"), SEQUENCES)
def test_fixed_sequences_end_in_what_a_full_refresh_gives(proof_of: ProofOf, family: str, sequence: str) -> None:
    proof_of(family).check(read_rounds(sequence))


@pytest.mark.parametrize("number", range(RANDOM_TESTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_random_sequences_end_in_what_a_full_refresh_gives(proof_of: ProofOf, family: str, number: int) -> None:
    @settings(
        max_examples=RANDOM_SEQUENCES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to make a failing one shorter takes hours
    )  # fmt: skip
    @seed(number)
    @given(sequences(family, least=1, most=2))
    def check(rounds: list[Round]) -> None:
        proof_of(family).check(rounds)

    check()


def test_the_fixed_sequences_know_every_change_and_run() -> None:
    rounds = [each for _, sequence in SEQUENCES for each in read_rounds(sequence)]
    assert {name for each in rounds for name, _ in each.changes} == {*CHANGES}
    assert {each.run for each in rounds} == {"whole", "twice", "part", "killed", "failed"}
    assert all(read_rounds(written(read_rounds(sequence))) == read_rounds(sequence) for _, sequence in SEQUENCES)


def test_a_difference_of_one_value_is_seen(proof: Proof, tmp_path: Path) -> None:
    _, kept = proof.begin()
    other = Path(shutil.copy(kept, tmp_path))
    assert not differences(kept, other, proof.dbt.relations)
    with duckdb.connect(str(other)) as con:
        con.execute(
            "update marts.fct_sessions set page_view_count = page_view_count + 1"
            " where session_key = (select min(session_key) from marts.fct_sessions)"
        )
    first, *rows = differences(kept, other, proof.dbt.relations)
    assert (
        first == ("marts.fct_sessions: 1 rows only kept, 1 only in a full refresh; differs: ['page_view_count']")
        and len(rows) == 2
    )


def test_every_change_changes_something(proof_of: ProofOf) -> None:
    proof = proof_of("service")
    for name, change in CHANGES.items():
        company = proof.restored()
        if name == "file-back":
            CHANGES["file-gone"](company, Random(1))
        before = ({**company.files}, {**company.modified}, {**company.vars})
        for number in range(3):  # what is drawn first may not be there
            change(company, Random(number))
        assert (company.files, company.modified, company.vars) != before, name
