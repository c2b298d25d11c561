"""Tables of what people look at: pictures of pages, made from the originals and kept in the store beside them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, JsonList, Prose


class PagePictureRow(Base):
    """The picture of one page as it stands upright, or why there is none.

    sha256:    of the picture's bytes in the store; None if there is no picture, then `problem` says why.
    transform: how the page was set upright, as in its details; None as it was scanned. Where the page's details say
               otherwise by now, the picture is made again.
    dpi:       dots per inch of the paper.
    """

    __tablename__ = "page_pictures"
    __table_args__ = (CheckConstraint("(sha256 IS NULL) = (problem IS NOT NULL)", name="problem"),)

    page_id: Mapped[int] = mapped_column(ForeignKey("pages.id"), primary_key=True, autoincrement=False)
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    width: Mapped[int | None]
    height: Mapped[int | None]
    dpi: Mapped[int | None]
    transform: Mapped[JsonList | None]
    problem: Mapped[Prose | None]
    made_at: Mapped[datetime]
