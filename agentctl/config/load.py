"""From a reference to an agent that is ready to run: documents read, merged, checked, filled in and digested.

Whatever is wrong is a ConfigError that holds every finding there is, each with its file and line. Loading imports no
handler and touches no network: a definition can be compared on a machine that could not run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agentctl.agent.events import JsonObject
from agentctl.agent.spec import Agent, Breaker, Fallback, Limits, Retry, ToolSpec
from agentctl.config.body import body_of, contradictions, file_of
from agentctl.config.cached import cached_answers
from agentctl.config.check import check
from agentctl.config.digest import bundle, components
from agentctl.config.document import Document
from agentctl.config.documents import AgentDocument, FallbackPart, ServerTool
from agentctl.config.extends import load_whole
from agentctl.config.nearest import nearest
from agentctl.config.project import Project
from agentctl.config.refs import parse_ref
from agentctl.config.render import TemplateError, render
from agentctl.config.texts import shown
from agentctl.config.toolsets import Toolset, load_toolset, server_tool
from agentctl.config.trees import Tree
from agentctl.config.versions import Source, locate
from agentctl.errors import ConfigError, Problem, UsageError


@dataclass(frozen=True, slots=True)
class Loaded:
    """An agent with the documents it came from."""

    agent: Agent
    document: Document
    """The agent's document on top of all it extends."""
    checked: AgentDocument
    toolsets: tuple[Toolset, ...]


def load_agent(ref: str, project: Project) -> Agent:
    """The agent that `ref` names (`support`, `support@2`, `support@git:main`).

    An agent from a git revision has tools, but their handlers are text: the Python is not there to be run.

    Raises:
        UsageError: `ref` is no reference, or names nothing there is.
        ConfigError: its documents are wrong; holds every problem found.
    """
    parsed = parse_ref(ref)
    tree = project.tree(parsed.revision)
    return load_from(locate(parsed, tree), tree).agent


def load_from(source: Source, tree: Tree) -> Loaded:
    """The agent at `source`; errors as for `load_agent`."""
    document = load_whole(source, tree)
    checked = check(AgentDocument, document)
    problems: list[Problem] = []
    system = _system(checked, document, problems)
    params = body_of(checked.params, document)
    problems += contradictions(checked.params, document)
    toolsets, tools = _tools(checked, document, tree, problems)
    setup = _setup(toolsets, document, problems)
    fallbacks = _fallbacks(checked, document, problems)
    problems += _tool_choice(params, tools, document)
    if problems:
        unique = dict.fromkeys(problems)
        raise ConfigError(sorted(unique, key=lambda problem: (problem.file, problem.line, problem.column)))
    model, cache, betas = checked.model, checked.cache, checked.betas
    parts = components(system=system, model=model, params=params, cache=cache, betas=betas, tools=tools)
    agent = Agent(
        name=source.name,
        version=source.version,
        model=model,
        system=system,
        params=params,
        tools=tools,
        limits=Limits(**dict(checked.limits)),
        retry=Retry(**dict(checked.retry)),
        breaker=Breaker(**dict(checked.breaker)) if checked.breaker is not False else None,
        fallbacks=fallbacks,
        degrade=checked.degrade.message if checked.degrade is not None else "",
        cached_answers=cached_answers(checked.cached_answers),
        provider=checked.provider.spec(),
        betas=betas,
        cache=cache,
        setup=setup,
        workspace_name=toolsets[0].source.name if toolsets else "",
        components=parts,
        bundle=bundle(parts),
        source=file_of(source, tree),
    )
    return Loaded(agent, document, checked, toolsets)


def _system(checked: AgentDocument, document: Document, problems: list[Problem]) -> str:
    """The system prompt with its variables filled in."""
    try:
        return render(checked.system, checked.vars)
    except TemplateError as error:
        problems += [
            document.problem(("system",), flaw.message, hint=flaw.hint, text_line=flaw.line) for flaw in error.flaws
        ]
        return ""


def _fallbacks(checked: AgentDocument, document: Document, problems: list[Problem]) -> tuple[Fallback, ...]:
    """The models that stand in, each once."""
    found: list[Fallback] = []
    for index, each in enumerate(checked.fallbacks):
        fallback = each.spec() if isinstance(each, FallbackPart) else Fallback(each)
        if fallback.model in {checked.model, *(other.model for other in found)}:
            message = f"{shown(fallback.model)} is asked already when this one's turn comes"
            problems.append(document.problem(("fallbacks", index), message, hint="name another model"))
        found.append(fallback)
    return tuple(found)


def _tools(
    checked: AgentDocument, document: Document, tree: Tree, problems: list[Problem]
) -> tuple[tuple[Toolset, ...], tuple[ToolSpec, ...]]:
    """The tools in the order they are written in, and the documents they come from."""
    toolsets: list[Toolset] = []
    tools: dict[str, ToolSpec] = {}
    for path, entry in _entries(checked):
        try:
            if isinstance(entry, str):
                toolset = load_toolset(locate(parse_ref(entry), tree), tree)
                toolsets.append(toolset)
                found = toolset.tools
            else:
                found = (server_tool(document.value["tools"][path[-1]]),)
        except UsageError as error:
            problems.append(document.problem(path, str(error), hint=error.hint))
        except ConfigError as error:
            problems += error.problems
        else:
            for tool in found:
                if tool.name in tools:
                    problems.append(document.problem(path, f"there are two tools with the name {tool.name}"))
                tools[tool.name] = tool
    return tuple(toolsets), tuple(tools.values())


def _entries(checked: AgentDocument) -> Iterator[tuple[tuple[str | int, ...], str | ServerTool]]:
    """What `tools` lists, each with its path in the document."""
    if isinstance(checked.tools, str):
        yield ("tools",), checked.tools
    else:
        for index, entry in enumerate(checked.tools or ()):
            yield ("tools", index), entry


def _setup(toolsets: tuple[Toolset, ...], document: Document, problems: list[Problem]) -> str | None:
    """The one function that fills a workspace."""
    having = list({each.source: each for each in toolsets if each.setup is not None}.values())
    if len(having) > 1:
        message = f"{' and '.join(each.source.ref for each in having)} both have a `setup`, and a workspace has one"
        problems.append(document.problem(("tools",), message, hint="move it into one of them"))
    return having[0].setup if having else None


def _tool_choice(params: JsonObject, tools: tuple[ToolSpec, ...], document: Document) -> Iterator[Problem]:
    """A choice of a tool that the agent does not have is a 400 from the API."""
    choice = params.get("tool_choice", {})
    names = [tool.name for tool in tools]
    if choice.get("type") == "tool" and choice.get("name") not in names:
        message = f"`tool_choice` names {shown(choice.get('name'))}, and the agent has no such tool"
        hint = nearest(str(choice.get("name")), names, kind="tools")
        yield document.problem(("params", "tool_choice", "name"), message, hint=hint)
