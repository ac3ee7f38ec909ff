"""Cells that a spreadsheet would evaluate as formulas."""

from __future__ import annotations

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "==1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1",
    " =1+1",
    "'=1+1",
    "''=1",
    "＝1+1",
    '=HYPERLINK("http://evil.example")',
]
