"""Texts as numbers, so that they fit into columns: fault codes, villages."""


class Codes:
    """Numbers for texts from 0 on; `texts` holds them in the order they were first seen."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._number_of: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of `text`; a new text gets the next one."""
        number = self._number_of.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number
