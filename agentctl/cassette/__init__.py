"""Recordings: read, write, match, replay, and say what changed since.

tape        the values: Cassette, Interaction, Header, Take
file        read and write them; `shapes`, `safeyaml`, `encoding`, `header` are its parts
match       the key of a request, a chain over its messages; `nearest` says why one has none
play        a recording as the wire and the tools of a run; `extend` goes live where it ends
record      a tee on a live run, saved through `scrub`
redact      secrets taken out of values; `kinds` is the table of what they look like, `streams` joins pieces
scan        what redaction would have taken out, in anyone's recording
staleness   which component changed since a recording
foreign     other people's recordings as replies and as runs
"""
