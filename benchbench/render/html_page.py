"""The HTML template of every page: one file, no script, light and dark, narrow and wide."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --paper: #ffffff; --tint: #f4f6f8; --mark: #0b6bcb; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
  --paper: #0d1117; --tint: #161b22; --mark: #58a6ff; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1.5rem clamp(0.75rem, 3vw, 2.5rem) 4rem; max-width: 78rem;
  font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }}
h1 {{ font-size: 1.6rem; line-height: 1.25; }}
h2 {{ font-size: 1.2rem; margin-top: 2.2rem; }}
a {{ color: var(--mark); }}
code {{ font-size: 0.9em; overflow-wrap: anywhere; }}
.note {{ color: var(--soft); }}
.warning {{ border-left: 4px solid var(--mark); background: var(--tint); padding: 0.6rem 1rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }}
th, td {{ padding: 0.35rem 0.8rem; text-align: right; border-bottom: 1px solid var(--line); }}
th {{ color: var(--soft); font-weight: 600; }}
th:first-child, td:first-child, .text {{ text-align: left; }}
tr.blind td {{ color: var(--soft); font-style: italic; }}
img, svg {{ max-width: 100%; height: auto; }}
.wide svg {{ max-width: none; min-width: 36rem; }}
ul {{ padding-left: 1.25rem; }}
@media (max-width: 40rem) {{ th, td {{ padding: 0.3rem 0.4rem; font-size: 0.85rem; }} }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }}
figure {{ margin: 0; padding: 0.6rem; border: 1px solid var(--line); border-radius: 6px; }}
figcaption {{ font-size: 0.85rem; overflow-wrap: anywhere; }}
figcaption ul {{ margin: 0.3rem 0 0; padding-left: 1rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
