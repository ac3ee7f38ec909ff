"""Templates that a person can read, and the loader that keeps their layout out of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.templates import compact
from tests.plugin.berth import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
WIDEST = 160
# A value, or a part of the block that is open already: none of them begins something new.
NOT_A_BLOCK = {"csrf_token", "else", "elif", "empty", "htmx_script", "now", "static", "url"}
# How the lines begin whose parts touch: a line break between them would be a space on the page.
TOUCHING = {
    ("parts/growth.html", '<span class="num" title="{{ need.bytes|exact }}">'),
    ("parts/host_line.html", "{{ a.name }} ({{ a.memory_bytes|gib }}{% if"),
    ("parts/memory_bar.html", "compute {{ memory.compute|gib }}{% if"),
}


def touching(name: str, line: str) -> bool:
    return any(name == template and line.strip().startswith(beginning) for template, beginning in TOUCHING)


def complaints(name: str, source: str) -> list[str]:
    """What is wrong with a template's lines. A block that ends on its line counts once, as does `<td>text</td>`."""
    found = []
    for number, line in enumerate(source.splitlines(), 1):
        blocks = [tag for tag in re.findall(r"\{%\s*(\w+)", line) if tag[:3] != "end" and tag not in NOT_A_BLOCK]
        elements = re.findall(r"<([a-zA-Z][\w-]*)", line)
        if len(line) > WIDEST:
            found.append(f"{name}:{number} has {len(line)} columns")
        if (len(blocks) > 1 or len(elements) > 1) and not touching(name, line):
            found.append(f"{name}:{number} opens {', '.join(blocks + elements)}")
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


def test_no_line_of_a_template_is_wide_or_holds_two_block_tags_or_two_elements() -> None:
    assert TEMPLATES
    assert [one for path in TEMPLATES for one in complaints(name(path), path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("<td>" + "x" * 160, "a.html:1 has 164 columns"),
        ("<tr><td>x</td></tr>", "a.html:1 opens tr, td"),
        ("{% if a %}{% for b in c %}", "a.html:1 opens if, for"),
        ("{% for b in c %}{% include 'd.html' %}{% endfor %}", "a.html:1 opens for, include"),
    ],
)
def test_such_a_line_is_named(line: str, complaint: str) -> None:
    assert complaints("a.html", line) == [complaint]


@pytest.mark.parametrize("line", ["<td>{% if a %}b{% else %}c{% endif %}</td>", "<a href=\"{% url 'ask' %}\">Ask</a>"])
def test_one_element_around_one_choice_is_a_line(line: str) -> None:
    assert complaints("a.html", line) == []


def test_every_exception_is_still_needed() -> None:
    for template, beginning in TOUCHING:
        assert beginning in (ROOT / "templates" / template).read_text(encoding="utf-8"), template


def test_text_in_which_every_space_counts_stands_on_one_line() -> None:
    """The loader takes indentation away there too."""
    for path in TEMPLATES:
        for content, tag in re.findall(r">([^>]*)</(pre|textarea)>", path.read_text(encoding="utf-8")):
            assert "\n" not in content, f"{name(path)}: <{tag}>"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<ul>\n  <li>a</li>\n</ul>\n", "<ul><li>a</li></ul>"),
        ("<td>\n  {% if a %}\n    b\n  {% endif %}\n</td>", "<td>{% if a %}b\n{% endif %}</td>"),
        ("{% for a in b %}\n  {# why #}\n  {{ a }}\n{% endfor %}\n", "{% for a in b %}{# why #}{{ a }}\n{% endfor %}"),
    ],
)
def test_the_layout_of_a_template_is_not_in_the_page(written: str, read: str) -> None:
    assert compact(written) == read


@pytest.mark.parametrize(
    "kept",
    [
        "a\n<strong>b</strong>\nc",
        "{{ a }}\n{{ b }}",
        "{% if a %}b{% endif %}\n{{ c }}",
        "<svg>\n<rect/>\n</svg>\nb",
        "<input>\n<button>b</button>",
        "a\n{% csrf_token %}\nb",
    ],
)
def test_a_line_break_that_is_a_space_for_the_reader_stays(kept: str) -> None:
    assert compact(kept) == kept
    assert compact(kept.replace("\n", "\n  ")) == kept
