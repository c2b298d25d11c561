"""The commands of `postroom`, one module each; `intake.cli` puts them together."""
