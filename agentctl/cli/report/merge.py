"""`agentctl report merge`: the parts that `eval --shard` wrote, as the result of the whole, with its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentctl.cli.eval.flags import Gates
from agentctl.cli.eval.gates import Facts, code_of
from agentctl.cli.eval.github import comment, tell_runner
from agentctl.cli.flags import grouped
from agentctl.cli.report.sheet import Files, tell
from agentctl.evals.merge import Merged, merged
from agentctl.evals.report import check_all
from agentctl.evals.report.told import told
from agentctl.evals.result import read_result


@grouped
def merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="One .json of each part.")],
    *,
    output: Files = None,
    pr_comment: Annotated[
        Path | None,
        typer.Option("--pr-comment", metavar="FILE", help="Write a comment for a pull request: Markdown, 64 KiB."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The whole result as one JSON document.")] = False,
    gates: Gates,
) -> int:
    """Merge the results of all shards. A part that is missing, doubled or of another plan is refused.

    The exit code is that of the whole: gates such as --min-pass-rate belong here, not to the parts.
    """
    check_all(output or [])
    whole = merged([(path, read_result(path)) for path in files])
    code = exit_code(whole, gates)
    page = told({**whole.document, "exit": code})
    unwritten = comment(pr_comment, page)
    tell_runner(Path.cwd(), page)
    tell(page, output or [], as_json=json)
    if unwritten is not None:
        raise unwritten
    return code


def exit_code(whole: Merged, gates: Gates) -> int:
    """What a build must know of the whole; a part that was interrupted leaves it interrupted."""
    document = whole.document
    if document["interrupted"]:
        return int(document["exit"])
    totals = document["totals"]
    cases = (case for suite in document["suites"] for case in suite["cases"])
    facts = Facts(
        counts=totals,
        stale_matched=totals["stale_matched"],
        capped=bool((document.get("spending") or {}).get("reached")),
        broken=any(case["status"] == "stopped" and not case["holds"] for case in cases),
        tallies=whole.tallies,
        today=whole.today,
    )
    return code_of(facts, gates)
