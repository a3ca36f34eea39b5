"""dbt in a process that ends when the one that started it does: nobody builds on behind a dead run's back.

`python -m outside_in.dbt_process ARGUMENTS` is `dbt ARGUMENTS` as long as its standard input stays open.
"""

from __future__ import annotations

import os
from threading import Thread


def _end_with_parent() -> None:
    os.read(0, 1)  # unbuffered: a reader that holds a lock would break an orderly end
    os._exit(1)


if __name__ == "__main__":
    from dbt.cli.main import cli

    Thread(target=_end_with_parent, daemon=True).start()
    cli()
