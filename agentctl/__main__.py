"""`agentctl` and `python -m agentctl`."""

import gc

from agentctl.cli.quiet import quietly

LOADS = 100_000
"""Allocations between two garbage collections: what is loaded stays, and looking through it takes time."""


def main() -> None:
    """Runs the command line. A signal while it is still being loaded ends it quietly."""
    quietly()
    gc.set_threshold(LOADS)
    from agentctl.cli.main import main as command_line  # noqa: PLC0415  only once signals are minded

    try:
        command_line()
    finally:
        quietly()
        gc.freeze()  # the process ends: what is left in cycles goes with it, and need not be looked for


if __name__ == "__main__":
    main()
