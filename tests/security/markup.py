"""What a page would do in a browser: its scripts, handlers, styles and addresses, by the standard library's parser."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.security.payloads import MARK

LOUD = ("href", "src", "action", "formaction", "data", "srcdoc", "poster", "xlink:href", "hx-get", "hx-post", "ping")
# Never in a page of ours; `base` and `meta refresh` lead elsewhere, the others run or load.
FOREIGN = {"iframe", "object", "embed", "base", "frame", "applet"}


class Page(HTMLParser):
    """`wrong`: all that could run or lead elsewhere; `marked`: how often a payload's mark is shown as text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.marked, self.inside = 0, ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        given = {name: value or "" for name, value in attrs}
        data = given.get("type") in ("application/json", "text/json")
        ours = given.get("src", "").startswith("/") and not given["src"].startswith("//")
        if tag in FOREIGN or (tag == "script" and not data and not ours):
            self.wrong.append(f"<{tag} {given}>")
        for name, value in given.items():
            leads = value.strip().lower().replace("\t", "").replace("\n", "")
            if name.startswith(("on", "hx-on")) or name == "style":
                self.wrong.append(f"<{tag} {name}={value}>")
            if name in LOUD and ":" in leads.partition("/")[0] and not leads.startswith(("http://", "https://")):
                self.wrong.append(f"<{tag} {name}={value}>")
            if MARK in name or (tag == "meta" and name == "http-equiv"):
                self.wrong.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        self.marked += MARK in data
        if MARK in data and self.inside in ("script", "style"):
            self.wrong.append(f"<{self.inside}>{data}")
