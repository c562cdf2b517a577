"""`make bench`: how fast data are made, models trained, and explorers moved, on this machine.

Every row is measured in this one run, ours and the baseline on the same cores. Prints tables and
writes `_build/bench.json`.
"""

import json
import os
from pathlib import Path

import counterparts
import explorers
import generator
import torch
from rich.console import Console
from rich.table import Table

import training
from invariance.files import write_aside


def show(title, rows):
    """Print rows as a table."""
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(*(v if isinstance(v, str) else f"{v:,.1f}" if v < 100 else f"{v:,.0f}" for v in row.values()))
    Console().print(table)


def described(summary, other):
    """The two numbers that matter, in words."""
    return f"geometric mean {summary['geometric mean']:.1f} times {other}, least {summary['least']:.1f}"


def main():
    """Measure on the CPU and, where there is one, on a CUDA device."""
    devices = [torch.device("cpu")] + ([torch.device("cuda")] if torch.cuda.is_available() else [])
    record = {"cores": os.cpu_count(), "torch": torch.__version__}
    record["kornia"] = rows = counterparts.table()
    show("Images a second of CPU time on one thread, against kornia", rows)
    print(described(generator.summary(rows), "kornia"))
    record["explorers"] = rows = explorers.table()
    show(f"Explorers with the processor {explorers.SLOWER} times slower: ms until live, and of moves", rows)
    for device in devices:
        rows = generator.table(device)
        show(f"Images a second, {device} against PIL and torchvision on {os.cpu_count()} cores", rows)
        summary = generator.summary(rows)
        print(described(summary, "the baseline"))
        tables = training.tables(device)
        for title, others in tables.items():
            show(f"{title} ({device})", others)
        record[device.type] = {"generator": rows, "summary": summary, "models": tables}
    with write_aside(Path("_build/bench.json")) as aside:
        aside.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
