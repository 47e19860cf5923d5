"""The gateway's figures in the text format of Prometheus (version 0.0.4). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure; counters end in `_total`."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def render(figures: Iterable[Metric]) -> str:
    """The page a scraper reads; figures of one name stay together."""
    by_name: dict[str, list[Metric]] = {}
    for figure in figures:
        by_name.setdefault(figure.name, []).append(figure)
    lines = []
    for name, group in by_name.items():
        lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        lines += [f"{name}{_labels(figure.labels)} {figure.value}" for figure in group]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
