"""Where things are: the dbt project around this package, and the folders of one output directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Output:
    """The folders of one output directory; nothing is written outside it.

    Attributes:
        root: the directory that the user named.
    """

    root: Path

    @property
    def built(self) -> Path:
        """The private database a build works in; readers never open it."""
        return self.root / "build" / "warehouse.duckdb"

    @property
    def copies(self) -> Path:
        """Folder of the text files as Parquet, each made when the file is new; as private as the database."""
        return self.root / "build" / "copies"

    @property
    def published(self) -> Path:
        """What readers open: schema `marts`, replaced as a whole by each successful build."""
        return self.link / "warehouse.duckdb"

    @property
    def link(self) -> Path:
        """A symbolic link to the published state."""
        return self.root / "published"

    @property
    def states(self) -> Path:
        """Folder of the published state and of those before it, one folder each."""
        return self.root / "states"

    @property
    def receipt(self) -> Path:
        """What the private database was built from; there only while it is complete and tested."""
        return self.built.with_name("receipt.json")

    @property
    def project(self) -> Path:
        """Digest of the project that made the private database; another one starts it afresh."""
        return self.built.with_name("project.txt")

    @property
    def validation(self) -> Path:
        """Folder of the input validation's results."""
        return self.root / "validation"

    @property
    def scorecard(self) -> Path:
        """The HTML scorecard."""
        return self.root / "scorecard.html"

    @property
    def dbt(self) -> Path:
        """Folder of dbt's own artifacts and logs."""
        return self.root / "dbt"

    @property
    def lock(self) -> Path:
        """Held while a build runs."""
        return self.root / ".lock"
