"""Where the commands write."""

from rich.console import Console

# Without emoji, as paths and error messages hold colons too.
console = Console(emoji=False)
complaint = Console(stderr=True, emoji=False)
