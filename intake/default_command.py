"""A group of commands one of which need not be named: `measure FOLDER` beside `measure handwriting FOLDER`."""

from typing import Any

from intake.later_commands import LaterCommands


class WithDefault(LaterCommands):
    """A group that hands what is none of its commands to the first command that was added to it.

    A folder that is named like one of the commands is reached as ./NAME.
    """

    @property
    def default(self) -> str:
        """The name of the command that need not be named."""
        return next(iter(self.commands))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name in front of arguments that name none."""
        asks_for_help = args[:1] == ["--help"]
        if not asks_for_help and (not args or args[0] not in self.commands):
            args = [self.default, *args]
        return super().parse_args(ctx, args)
