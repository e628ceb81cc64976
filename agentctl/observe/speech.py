"""What the agent says on a page, whether it arrives piece by piece or whole: the same text stands there afterwards."""

from __future__ import annotations

from typing import Final

from agentctl.agent.events import Block
from agentctl.observe.clean import clean
from agentctl.observe.figures import count
from agentctl.observe.flow import Flow
from agentctl.observe.page import GUTTER, INDENT, Page

KINDS: Final = ("text", "thinking")
"""Types of the blocks that are said; the field with the words has the same name."""
STYLES: Final = {"text": "", "thinking": "dim italic"}
INDENTS: Final = {"text": INDENT, "thinking": GUTTER}


class Speech:
    """One speaker: a heading, then blocks of text and of thinking (`shows_thinking`, else one line of how much)."""

    def __init__(self, page: Page, *, shows_thinking: bool) -> None:
        self._page = page
        self.shows_thinking = shows_thinking
        self.speaker = ""
        self._headed = False
        self._kind = ""
        self._flow: Flow | None = None
        self._thought = 0
        self._arrived: dict[str, list[str]] = {kind: [] for kind in KINDS}

    @property
    def has_arrived(self) -> bool:
        """Whether a piece of the reply in progress was shown."""
        return any(self._arrived.values())

    def hear(self, kind: str, piece: str) -> None:
        """Shows a piece that arrives early."""
        if piece and kind in self._arrived:
            self._arrived[kind].append(piece)
            self._say(kind, piece)

    def complete(self, content: list[Block]) -> None:
        """Shows what of the reply did not arrive early, and ends it."""
        said = [(kind, str(block.get(kind) or "")) for block in content if (kind := block.get("type")) in KINDS]
        whole = {kind: "".join(text for its, text in said if its == kind) for kind in KINDS}
        missing = {kind for kind in KINDS if "".join(self._arrived[kind]) != whole[kind]}
        for kind, text in said:
            if kind in missing and text:
                self._say(kind, text)
        self.forget()

    def forget(self) -> None:
        """Ends what is being said; the next piece belongs to another reply."""
        self.pause()
        self._arrived = {kind: [] for kind in KINDS}

    def pause(self) -> None:
        """Ends the line."""
        kind, self._kind = self._kind, ""
        if self._flow is not None:
            self._flow.close()
            self._flow = None
        elif kind == "thinking":
            self.aside(f"thought for {count(self._thought, 'char')}")
        self._thought = 0

    def head(self) -> None:
        """Puts the speaker's name above, once for everything that answers one thing the user said."""
        if not self._headed:
            self._headed = True
            self._page.write((f"\n{clean(self.speaker)}\n", "bold cyan"))

    def aside(self, text: str) -> None:
        """One line about what was thought, in place of it."""
        self.head()
        self._page.line(text, STYLES["thinking"], indent=GUTTER)

    def listen(self) -> None:
        """The user speaks: what comes next needs a heading again."""
        self.forget()
        self._headed = False

    def _say(self, kind: str, piece: str) -> None:
        if kind != self._kind:
            self.pause()
            self._kind = kind
        if kind == "thinking":
            self._thought += len(piece)
            if not self.shows_thinking:
                return
        if self._flow is None:
            self.head()
            self._flow = self._page.flow(STYLES[kind], indent=INDENTS[kind])
        self._flow.feed(clean(piece))
