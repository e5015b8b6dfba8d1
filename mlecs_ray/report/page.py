"""The page itself: one HTML file that needs no network and follows the reader's light or dark setting."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jinja2
import plotly.offline

from mlecs_ray.report.panel import PALETTE, Panel
from mlecs_ray.report.tables import Table


@dataclass(frozen=True)
class Page:
    """All that a report shows, top to bottom."""

    title: str
    subtitle: str
    tiles: Sequence[tuple[str, str]] = ()
    """Label and value."""
    tables: Sequence[Table] = ()
    sections: Mapping[str, Sequence[Panel]] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    """Name and text, folded away at the bottom."""


def render(page: Page) -> str:
    """The HTML, with plotly.js inside once. All text is escaped."""
    panels = [panel for group in page.sections.values() for panel in group if panel.figure is not None]
    figures = [json.loads(panel.figure.to_json()) for panel in panels]
    script = _in_script(json.dumps({"figures": figures, "palette": PALETTE}))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    library = plotly.offline.get_plotlyjs() if figures else ""
    template = environment.from_string(_TEMPLATE)
    return template.render(page=page, library=library, data=script, css=_CSS, js=_JS)


def _in_script(text: str) -> str:
    # A name such as </script> would end the script; in JSON, < may be written as an escape.
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


_TEMPLATE = """{% macro grid(table) %}
<div class="scroll"><table>
<thead><tr>{% for cell in table.header %}<th>{{ cell }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table></div>
{% endmacro %}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src data: blob:; font-src data:">
<title>{{ page.title }}</title>
<style>{{ css | safe }}</style>
</head>
<body>
<main>
<header>
<h1>{{ page.title }}</h1>
<p class="sub">{{ page.subtitle }}</p>
</header>
{% if page.tiles %}
<dl class="tiles">
{% for label, value in page.tiles %}
<div><dt>{{ label }}</dt><dd>{{ value }}</dd></div>
{% endfor %}
</dl>
{% endif %}
{% for table in page.tables %}
<section>
<h2>{{ table.title }}</h2>
{{ grid(table) }}
</section>
{% endfor %}
{% set counter = namespace(n=0) %}
{% for heading, panels in page.sections.items() if panels %}
<section>
<h2>{{ heading }}</h2>
<div class="grid">
{% for panel in panels %}
<figure class="{{ 'wide' if panel.wide or not panel.figure else '' }}">
<figcaption><h3>{{ panel.title }}</h3><p>{{ panel.note }}</p></figcaption>
{% if panel.figure %}
<div class="plot" id="plot{{ counter.n }}"></div>
{% set counter.n = counter.n + 1 %}
{% endif %}
{% if panel.table %}
{{ grid(panel.table) }}
{% endif %}
</figure>
{% endfor %}
</div>
</section>
{% endfor %}
{% for name, text in page.details.items() %}
<details><summary>{{ name }}</summary><pre>{{ text }}</pre></details>
{% endfor %}
</main>
{% if library %}
<script>{{ library | safe }}</script>
<script type="application/json" id="data">{{ data | safe }}</script>
<script>{{ js | safe }}</script>
{% endif %}
</body>
</html>
"""

_CSS = """
:root { color-scheme: light dark; --text: #1d2430; --soft: #5d6877; --line: #dfe4ea; --back: #f6f7f9; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ee; --soft: #98a3b2; --line: #2f3742; --back: #14181e; --card: #1b2129; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 0; overflow-wrap: anywhere; }
.sub { color: var(--soft); margin: 6px 0 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
.tiles dt { color: var(--soft); font-size: 12.5px; }
.tiles dd { margin: 0; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px 8px;
  min-width: 0; }
figure.wide { grid-column: 1 / -1; }
figcaption p { color: var(--soft); font-size: 13px; margin: 2px 0 6px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
figure .scroll { border: 0; border-radius: 0; }
th, td { text-align: right; padding: 8px 14px; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--soft); font-size: 12.5px; font-weight: 600; }
tbody tr { border-top: 1px solid var(--line); }
details { margin-top: 16px; }
summary { cursor: pointer; color: var(--soft); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; overflow-x: auto;
  font-size: 12.5px; }
@media (max-width: 760px) { .grid { grid-template-columns: minmax(0, 1fr); } }
"""

_JS = """
const data = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
function template() {
  const css = getComputedStyle(document.documentElement), of = name => css.getPropertyValue(name).trim();
  const axis = {gridcolor: of("--line"), linecolor: of("--line"), zeroline: false, ticks: "",
                title: {font: {size: 12.5, color: of("--soft")}}, tickfont: {color: of("--soft")}};
  return {layout: {colorway: data.palette, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: {color: of("--text"), size: 12, family: getComputedStyle(document.body).fontFamily}, xaxis: axis, yaxis: axis,
    legend: {traceorder: "normal"}, modebar: {bgcolor: "rgba(0,0,0,0)", color: of("--line"), activecolor: of("--soft")},
    hoverlabel: {bgcolor: of("--card"), bordercolor: of("--line"), font: {color: of("--text")}}}};
}
const config = {displaylogo: false, responsive: true, displayModeBar: "hover",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]]};
const plots = data.figures.map((figure, n) => {
  const layout = Object.assign({}, figure.layout, {template: template()});
  Plotly.newPlot("plot" + n, figure.data, layout, config);
  return document.getElementById("plot" + n);
});
dark.addEventListener("change", () => plots.forEach(plot => Plotly.relayout(plot, {template: template()})));
"""
