"""Turns what the benchmarks wrote with --json into docs/report: one page of tables, one plot per pair of metrics.

usage: python3 tools/render_report.py ROWS_FOLDER REPORT_FOLDER

Every file in ROWS_FOLDER is an array of {"system", "data", "metric", "value", "unit", "better"}. Needs nothing but
Python. Plots are SVG: for each data set, size (a metric whose unit is a ratio or bits) against speed (MB/s), and what
is lost (a divergence in nats) against size, with the line of those that nothing else beats in both.
"""
import collections
import html
import json
import math
import pathlib
import sys

WIDTH, HEIGHT, MARGIN = 640, 400, 56
COLOURS = ["#1b6ca8", "#c8553d", "#2e8b57", "#8e5ea2", "#b8860b", "#3f7f93", "#a83f6f", "#5b6770"]


def number(value):
    """Three significant digits, without an exponent."""
    if value == 0 or not math.isfinite(value):
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"


def tables(rows):
    """Markdown: per data set a table of systems against metrics, the best value of each metric in bold."""
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        here = [row for row in rows if row["data"] == data]
        metrics = list(dict.fromkeys((row["metric"], row["unit"]) for row in here))
        cells = {(row["system"], row["metric"]): row for row in here}
        lines += [f"### {data}", "", "| system | " + " | ".join(f"{m} [{u}]" if u else m for m, u in metrics) + " |",
                  "|---|" + "---:|" * len(metrics)]
        best = {}
        for metric, _ in metrics:
            rows_of = [row for row in here if row["metric"] == metric]
            choose = max if rows_of[0]["better"] == "higher" else min
            best[metric] = choose(row["value"] for row in rows_of)
        for system in dict.fromkeys(row["system"] for row in here):
            values = []
            for metric, _ in metrics:
                row = cells.get((system, metric))
                shown = number(row["value"]) if row else ""
                values.append(f"**{shown}**" if row and row["value"] == best[metric] else shown)
            lines.append(f"| {system} | " + " | ".join(values) + " |")
        lines.append("")
    return lines


def front(points):
    """Those of (name, x, y) that no other has both x and y at most as large as, from left to right."""
    kept = []
    for point in sorted(points, key=lambda p: (p[1], p[2])):
        if not kept or point[2] < kept[-1][2]:
            kept.append(point)
    return kept


def plot(title, points, across, up, losses=False):
    """SVG scatter plot of (name, x, y), the x axis logarithmic; losses: the y axis too, and the front as a line."""
    if losses:
        points = [(name, x, math.log10(y)) for name, x, y in points]
    xs, ys = [math.log10(x) for _, x, _ in points], [y for _, _, y in points]
    x0, x1 = min(xs) - 0.1, max(xs) + 0.1
    spread = (max(ys) - min(ys)) or abs(max(ys)) or 1
    y0, y1 = min(ys) - 0.1 * spread, max(ys) + 0.1 * spread

    def at(x, y):
        return (MARGIN + (x - x0) / (x1 - x0) * (WIDTH - 2 * MARGIN),
                HEIGHT - MARGIN - (y - y0) / (y1 - y0) * (HEIGHT - 2 * MARGIN))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             f'font-size="11"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             f'<text x="{WIDTH / 2}" y="20" text-anchor="middle" font-size="14">{html.escape(title)}</text>',
             f'<path d="M{MARGIN},{MARGIN} V{HEIGHT - MARGIN} H{WIDTH - MARGIN}" fill="none" stroke="#444"/>',
             f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{html.escape(across)}</text>',
             f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">'
             f'{html.escape(up)}</text>']
    for step in range(5):
        x, y = x0 + (x1 - x0) * step / 4, y0 + (y1 - y0) * step / 4
        parts.append(f'<text x="{at(x, y0)[0]:.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{number(10 ** x)}</text>')
        parts.append(f'<text x="{MARGIN - 6}" y="{at(x0, y)[1]:.1f}" text-anchor="end">'
                     f'{f"{10 ** y:.1e}" if losses else number(y)}</text>')
    if losses:
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in (at(math.log10(x), y) for _, x, y in front(points)))
        parts.append(f'<polyline points="{line}" fill="none" stroke="#999" stroke-dasharray="4 3"/>')
    for index, (name, x, y) in enumerate(points):
        left, top = at(math.log10(x), y)
        colour = COLOURS[index % len(COLOURS)]
        parts.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" fill="{colour}"/>'
                     f'<text x="{left + 6:.1f}" y="{top - 5:.1f}" fill="{colour}">{html.escape(name)}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def plots(name, rows, folder):
    """Writes the plots of one benchmark; the Markdown lines that show them."""
    lines = []
    by_data = collections.defaultdict(lambda: collections.defaultdict(dict))
    for row in rows:
        by_data[row["data"]][(row["metric"], row["unit"])][row["system"]] = row["value"]
    for data, metrics in by_data.items():
        speeds = [metric for metric in metrics if metric[1].endswith("/s")]
        sizes = [metric for metric in metrics if metric[1] in ("ratio", "bits", "bits/symbol", "bits/value", "%")]
        for speed in speeds:
            for size in sizes[:1]:
                points = [(system, value, metrics[size][system]) for system, value in metrics[speed].items()
                          if system in metrics[size] and value > 0]
                if len(points) < 2:
                    continue
                file = "".join(c if c.isalnum() else "_" for c in f"{name}_{data}_{speed[0]}") + ".svg"
                (folder / file).write_text(plot(f"{name}: {data}", points, f"{speed[0]} [{speed[1]}]",
                                                f"{size[0]} [{size[1]}]"))
                lines.append(f"![{data}: {size[0]} against {speed[0]}]({file})\n")
        for loss in (metric for metric in metrics if metric[1] == "nats"):
            for size in sizes[:1]:
                points = [(system, metrics[size][system], value) for system, value in metrics[loss].items()
                          if system in metrics[size] and value > 0 and metrics[size][system] > 0]
                if len(points) < 2:
                    continue
                file = "".join(c if c.isalnum() else "_" for c in f"{name}_{data}_{loss[0]}") + ".svg"
                (folder / file).write_text(plot(f"{name}: {data}", points, f"{size[0]} [{size[1]}]",
                                                f"{loss[0]} [{loss[1]}]", losses=True))
                lines.append(f"![{data}: {loss[0]} against {size[0]}]({file})\n")
    return lines


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, folder = map(pathlib.Path, sys.argv[1:])
    files = sorted(source.glob("*.json"))
    if not files:
        sys.exit(f"no results in {source}")
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Report", "", "Written by `./run report`. Bold: the best of a column.", ""]
    for file in files:
        rows = json.loads(file.read_text())
        lines += [f"## {file.stem}", "", *tables(rows), *plots(file.stem, rows, folder)]
    (folder / "README.md").write_text("\n".join(lines))
    print(f"{folder}/README.md: {len(files)} benchmark(s)")


if __name__ == "__main__":
    main()
