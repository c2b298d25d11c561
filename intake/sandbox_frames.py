"""How the two sides of the sandbox speak: sizes and signs that both must know."""

import struct
from typing import Final

LENGTH: Final = struct.Struct("<I")  # of the JSON header that follows
ENDED: Final = struct.Struct("<iq")  # wait status of a child, largest memory in bytes
KILL: Final = b"K"  # the worker wants a child killed
OUT_OF_MEMORY: Final = 71  # exit code of a child that met its memory limit
IN_BUBBLEWRAP: Final = "in-bubblewrap"  # told to a template that has no network and no files but its own already
