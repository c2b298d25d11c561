"""Tables of what arrived: batches, their files, the pages in them, and the pieces those pages make."""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import BIG, Base, Digest, JsonObject, Key, Prose
from schemas.errors import Cause
from schemas.page import PageLabel
from schemas.states import MailState


class BatchRow(Base):
    """What an operator hands over in one go.

    received_on:    the date of receipt, set at intake and never changed: entitlements hang on it.
    file_count:     how many files were taken in; raised in the transaction that writes the file's row.
    expected_*:     the counts the operator or the scanning supplier stated; None if none was stated.
    closed_at:      no file is added any more.
    """

    __tablename__ = "batches"
    __table_args__ = (CheckConstraint("file_count >= 0", name="file_count"),)

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    channel: Mapped[str] = mapped_column(String(40))
    operator: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(255), default="")
    received_on: Mapped[date] = mapped_column(index=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    file_count: Mapped[int] = mapped_column(default=0)
    expected_files: Mapped[int | None]
    expected_pages: Mapped[int | None]
    expected_pieces: Mapped[int | None]
    closed_at: Mapped[datetime | None]


class FileRow(Base):
    """The bytes as received, found in the store by their SHA-256.

    page_count, piece_count: what unpacking found; None until then. The rows that exist must agree with them.
    cause, problem, remedy:  why it is quarantined or rejected, in words a person can act on; None otherwise.
    """

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("batch_id", "position"),
        # Tells at once whether a batch has a file left in some state.
        Index("ix_files_batch_id_state", "batch_id", "state"),
        Index("ix_files_state_state_since", "state", "state_since"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("position >= 1", name="position"),
    )

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(1024))
    sha256: Mapped[Digest] = mapped_column(index=True)
    size_bytes: Mapped[int] = mapped_column(BIG)
    state: Mapped[MailState] = mapped_column(default=MailState.IN_WORK)
    state_since: Mapped[datetime]
    page_count: Mapped[int | None]
    piece_count: Mapped[int | None]
    cause: Mapped[Cause | None]
    problem: Mapped[Prose | None]
    remedy: Mapped[Prose | None]


class PieceRow(Base):
    """One item of mail: the pages between two separators. One life, from received to published.

    file_id: the file of its first page.  ordinal: 1 for the first piece of that file.
    """

    __tablename__ = "pieces"
    __table_args__ = (
        UniqueConstraint("file_id", "ordinal"),
        # Tells at once whether a file has a piece left in some state.
        Index("ix_pieces_file_id_state", "file_id", "state"),
        Index("ix_pieces_state_state_since", "state", "state_since"),
        CheckConstraint("ordinal >= 1", name="ordinal"),
    )

    id: Mapped[Key]
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    ordinal: Mapped[int]
    state: Mapped[MailState] = mapped_column(default=MailState.IN_WORK)
    state_since: Mapped[datetime]
    cause: Mapped[Cause | None]
    problem: Mapped[Prose | None]
    remedy: Mapped[Prose | None]


class PageRow(Base):
    """One side of paper. It is labelled, never dropped, and always stands where its piece stands.

    number:  1 for the first page of the file.
    label:   None until the page was read.
    details: what became of it, as `RecordPage` writes it in the record; None until the page was read.
    """

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("file_id", "number"),
        Index("ix_pages_state_state_since", "state", "state_since"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[Key]
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    number: Mapped[int]
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("pieces.id"), index=True)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"), index=True)
    state: Mapped[MailState] = mapped_column(default=MailState.IN_WORK)
    state_since: Mapped[datetime]
    label: Mapped[PageLabel | None]
    details: Mapped[JsonObject | None]
