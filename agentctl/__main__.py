"""`agentctl` and `python -m agentctl`."""

import gc

LOADS = 100_000
"""Allocations between two garbage collections: what is loaded stays, and looking through it takes time."""


def main() -> None:
    """Runs the command line. Ctrl-C while it is still being loaded ends it like any other."""
    gc.set_threshold(LOADS)
    try:
        from agentctl.cli.main import main as command_line  # noqa: PLC0415  inside, so that it can be interrupted
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    command_line()


if __name__ == "__main__":
    main()
