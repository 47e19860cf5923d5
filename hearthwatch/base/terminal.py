"""The terminal of people: texts of others can neither steer it nor change how it looks."""

from typing import Any

from rich.console import Console
from rich.text import Text

from wire.plain_text import printable_lines


class Terminal(Console):
    """rich's console; unless `markup` is set, brackets in texts are just brackets."""

    def __init__(self, *, markup: bool = False, **options: Any) -> None:
        super().__init__(markup=markup, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return every text, that of a cell or a title too, without control characters."""
        return super().render_str(printable_lines(text), **options)
