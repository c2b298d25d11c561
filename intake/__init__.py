"""Everything with a memory, a clock or a socket: receiving, running, recording, the command line."""
