"""Tables and plots of results."""
from html import escape

from figures import CONTENDERS, UNITS

COLOURS = {"raw": "#555555", "hio-cpp": "#d62728", "hio-cpp polled": "#ff9896", "Asio": "#1f77b4",
           "Asio coroutines": "#76b7e8", "libuv": "#2ca02c", "libevent": "#9467bd"}


def markdown(results, heading=True):
    lines = []
    if heading:
        lines = ["| figure | contender | ratio: median (least–largest) | median | unit | rounds |",
                 "|---|---|---|---|---|---|"]
    for result in results:
        figure = result["figure"]
        for name in figure.contenders:
            value = result["absolute"].get(name)
            if value is None:
                continue
            ratio = result["ratios"].get(name)
            told = (f"{ratio['median']:.2f} ({ratio['least']:.2f}–{ratio['largest']:.2f})"
                    if ratio else "")
            lines.append(f"| {figure.name} | {name} | {told} | {value['median']:.3g} | "
                         f"{UNITS[figure.unit].name} | {value['rounds']} |")
    return "\n".join(lines) + "\n"


def plot(results):
    """Medians as dots with lines from the least to the largest ratio, one row per contender."""
    left, width, most, row = 260, 560, 2.0, 14
    rows, y = [], 40

    def x(ratio):
        return left + width * min(ratio, most) / most

    for result in results:
        if not result["ratios"]:
            continue
        names = [name for name in result["figure"].contenders
                 if name != "raw" and name in result["ratios"]]
        rows.append(f'<text x="{left - 10}" y="{y + row * len(names) / 2 + 4}" '
                    f'text-anchor="end">{escape(result["figure"].name)}</text>')
        for name in names:
            ratio, colour, middle = result["ratios"][name], COLOURS[name], y + row / 2
            rows.append(f'<line x1="{x(ratio["least"]):.1f}" x2="{x(ratio["largest"]):.1f}" '
                        f'y1="{middle}" y2="{middle}" stroke="{colour}" stroke-width="2"/>')
            rows.append(f'<circle cx="{x(ratio["median"]):.1f}" cy="{middle}" r="4" '
                        f'fill="{colour}"/>')
            if ratio["median"] > most:
                rows.append(f'<text x="{left + width + 8}" y="{middle + 4}">'
                            f'{ratio["median"]:.1f}</text>')
            y += row
        y += 10
    axis = []
    for tenth in range(0, int(most * 10) + 1, 5):
        at = x(tenth / 10)
        axis.append(f'<line x1="{at}" x2="{at}" y1="34" y2="{y}" '
                    f'stroke="{"#000" if tenth == 10 else "#ddd"}"/>')
        axis.append(f'<text x="{at}" y="{y + 16}" text-anchor="middle">{tenth / 10}</text>')
    legend, at = [], 10
    for name in CONTENDERS:
        if name == "raw":
            continue
        legend.append(f'<circle cx="{at}" cy="16" r="4" fill="{COLOURS[name]}"/>'
                      f'<text x="{at + 8}" y="20">{escape(name)}</text>')
        at += 30 + 7 * len(name)
    total = left + width + 50
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y + 44}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n'
            + "\n".join(legend + axis + rows)
            + f'\n<text x="{left + width / 2}" y="{y + 36}" text-anchor="middle">'
              'ratio to the hand-made client: left of 1 is cheaper</text>\n</svg>\n')
