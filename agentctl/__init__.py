"""agentctl: operate and evaluate production LLM agents from one YAML definition.

The names here are what the Python behind a tool needs; everything else is reached through the command line.
"""

from agentctl.agent.handler import ToolContext, ToolFailure

__all__ = ["ToolContext", "ToolFailure", "__version__"]

__version__ = "0.1.0"
