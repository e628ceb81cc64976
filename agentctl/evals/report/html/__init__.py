"""One page that holds whole results, opens from a disk, and asks nothing of any network.

Data never becomes markup: it stands in JSON that no parser of HTML looks into, and the page's script writes it as text.
The page's own policy enforces it: only this very script and style may run, nothing may be fetched, and a string is
refused wherever markup would be made of it (trusted types).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from agentctl.errors import UsageError
from agentctl.evals.report.html.data import Comparison, Data, Side, data_of
from agentctl.evals.report.html.document import document
from agentctl.evals.report.told import Told


def render(told: Told) -> Iterator[bytes]:
    """The page on one result.

    Raises:
        UsageError: it is damaged.
    """
    yield page([Side(told.document)])


def page(sides: Sequence[Side], comparison: Comparison | None = None) -> bytes:
    """The page on these results, of which the first is what the others are compared with.

    Raises:
        UsageError: a result is damaged.
    """
    try:
        data = data_of(sides, comparison)
        return document(data, _title(data), "\n".join(_summary(data)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"a result is damaged ({type(error).__name__}: {error})") from None


def _title(data: Data) -> str:
    suites = dict.fromkeys(suite for side in data.head["sides"] for suite in side["suites"])
    labels = [side["label"] for side in data.head["sides"]]
    return f"{', '.join(suites) or 'no suite'}: {' → '.join(filter(None, labels))}"


def _summary(data: Data) -> Iterator[str]:
    """What happened, for a reader without scripts: the counts, and every case that is no pass."""
    for place, side in enumerate(data.head["sides"]):
        runs = [(case, run) for case in data.head["cases"] for run in case["runs"][place]]
        counts = Counter(run["status"] for _, run in runs)
        yield f"{side['label']}: {', '.join(f'{size} {status}' for status, size in counts.items()) or 'none ran'}"
        for case, run in runs:
            if run["status"] != "pass":
                yield f"  {run['status']:<8} {case['suite']}/{case['id']} #{run['repeat']}  {run.get('reason', '')}"
    yield "The rest of this page is drawn by its script, which this browser does not run."
