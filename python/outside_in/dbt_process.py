"""dbt in a process that ends when the one that started it does: nobody builds on behind a dead run's back.

`python -m outside_in.dbt_process ARGUMENTS` is `dbt ARGUMENTS` as long as its standard input stays open. It prints a
line of JSON for each node that finished and each failure (see `told`), and ends with 0 when all is well, else with 1.
"""

from __future__ import annotations

import json
import os
import sys
from threading import Thread
from typing import Any

FINISHED = ("LogModelResult", "LogSeedResult", "LogTestResult", "LogNodeResult")
FAILED = ("RunResultError", "RunResultFailure")


def told(event: Any) -> dict[str, Any]:
    """What is printed of one of dbt's events.

    Returns:
        `node`, `done` of how many `in_all`, `status` and for a test how many rows were `found`, where a node finished;
        the text of a `failure`; nothing of other events.
    """
    name, data = event.info.name, event.data
    if name in FAILED:
        return {"failure": event.info.msg}
    if name not in FINISHED:
        return {}
    return {
        "node": data.node_info.node_name,
        "done": getattr(data, "index", 0),
        "in_all": getattr(data, "total", 0) or getattr(data, "num_models", 0),  # tests have another word for it
        "status": data.status.lower(),
        "found": getattr(data, "num_failures", 0),
    }


def _print(line: dict[str, Any]) -> None:
    if line:  # in one piece: dbt's threads tell at the same time
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _end_with_parent() -> None:
    os.read(0, 1)  # unbuffered: a reader that holds a lock would break an orderly end
    os._exit(1)


if __name__ == "__main__":
    from dbt.cli.main import dbtRunner

    Thread(target=_end_with_parent, daemon=True).start()
    # Not dbt's own JSON, for which it writes out every event, also those of levels that nobody asked for.
    done = dbtRunner(callbacks=[lambda event: _print(told(event))]).invoke(["--log-level", "none", *sys.argv[1:]])
    if done.exception:
        _print({"failure": str(done.exception)})
    sys.exit(not done.success)
