from agentctl.agent.handler import ToolContext as ToolContext
from agentctl.agent.handler import ToolFailure as ToolFailure

__version__: str
