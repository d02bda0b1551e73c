"""A text between two marks in a file, written anew by whoever measures it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Marks:
    """`name` tells the texts of a file apart; `command` is shown to those who want to change this one."""

    name: str
    command: str

    @property
    def begin(self) -> str:
        return f"<!-- {self.name}: begin (written by `{self.command}`) -->"

    @property
    def end(self) -> str:
        return f"<!-- {self.name}: end -->"

    def write(self, path: Path, text: str) -> None:
        """Put `text` between the marks; a file that is not there yet is made of them."""
        before, after = self._around(path)
        path.write_text(f"{before}{self.begin}\n\n{text}\n{self.end}{after}")

    def check(self, path: Path) -> None:
        """Raise ValueError now, not after minutes of measuring, when the text has no place there."""
        self._around(path)

    def _around(self, path: Path) -> tuple[str, str]:
        if not path.exists():
            return "", "\n"
        text = path.read_text()
        before, begun, rest = text.partition(self.begin)
        _, ended, after = rest.partition(self.end)
        if not begun or not ended:
            raise ValueError(
                f"{path} has no place for the {self.name}: the lines {self.begin} and {self.end}"
            )
        return before, after
