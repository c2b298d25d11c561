"""Pictures of pages as they stand upright, for people to look at: made once from the original, and snippets of them.

The original is decoded in the sandbox; what is kept, sealed like the original where the office has a key, is a picture
of our own making.
"""

from intake.pictures.errors import PictureMissing
from intake.pictures.gallery import PagePicture, Pictures
from intake.pictures.snippet import Snippet

__all__ = ["PagePicture", "PictureMissing", "Pictures", "Snippet"]
