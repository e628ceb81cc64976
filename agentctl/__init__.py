"""agentctl: operate and evaluate production LLM agents from one YAML definition.

The names here are what the Python behind a tool needs; everything else is reached through the command line. They are
looked up when they are asked for (`__init__.pyi` has their types): a command that is only being loaded minds signals
before it imports anything that takes time.
"""

__all__ = ["ToolContext", "ToolFailure", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'agentctl' has no attribute {name!r}")
    from agentctl.agent import handler  # noqa: PLC0415  see above

    return getattr(handler, name)
