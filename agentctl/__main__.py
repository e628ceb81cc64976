"""`agentctl` and `python -m agentctl`."""


def main() -> None:
    """Runs the command line. Ctrl-C while it is still being loaded ends it like any other."""
    try:
        from agentctl.cli.main import main as command_line  # noqa: PLC0415  inside, so that it can be interrupted
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    command_line()


if __name__ == "__main__":
    main()
