"""The outermost door: the command line of `intake`, and the commands that also show something."""

from intake.cli import command_line

app = command_line(
    {
        "demo": "review_ui.commands:demo",
        "show": "review_ui.commands:show",
        "serve": "review_ui.serve:serve",  # with the site, where that of `intake` serves programs only
    }
)


def main() -> None:
    """The command `postroom`."""
    app()


if __name__ == "__main__":
    main()
