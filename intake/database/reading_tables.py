"""Tables of what was read: documents, and their fields with readings and decision."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from intake.database.columns import Base, Digest, JsonList, JsonObject, Key, Prose, words
from schemas.field import FieldKind, FieldStatus
from schemas.states import DocumentState

# Names are looked for in an index that holds them whole, so that no field itself is read. PostgreSQL takes no text of
# more than 2,700 bytes into one, and no name is as long: a longer text is not looked through. A condition that wants
# this index says the same, word for word; SQLite looks at the class again.
NAMES: Final = "fields.field_class = 'name' AND length(fields.text) <= 200"
_NAMES: Final = text(NAMES.replace("fields.", ""))


class DocumentRow(Base):
    """One form or letter inside a piece.

    form_type, edition: None for a document of no known form type: never a guess.
    regions, failures:  as the record has them; the pages stand in `pages`, the fields in `fields`.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("piece_id", "ordinal"),
        Index("ix_documents_form_type_state", "form_type", "state"),
        CheckConstraint("ordinal >= 1", name="ordinal"),
    )

    id: Mapped[Key]
    piece_id: Mapped[int] = mapped_column(ForeignKey("pieces.id"))
    ordinal: Mapped[int]
    form_type: Mapped[str | None] = mapped_column(String(100))
    edition: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[DocumentState]
    state_since: Mapped[datetime]
    regions: Mapped[JsonList] = mapped_column(default=list)
    failures: Mapped[JsonList] = mapped_column(default=list)


class FieldRow(Base):
    """One field of one document as it is believed now; what was published before stands in the revisions.

    value:    normalised, as in the record; SQL NULL if nothing is known.
    readings: the `readings` of the record's field, one object per reader.
    decision: the rest of the record's field: marks, checks, score, features, reasons, box, decided_by.
    """

    __tablename__ = "fields"
    __table_args__ = (
        UniqueConstraint("document_id", "name"),
        Index("ix_fields_names", "document_id", "text", "field_class", sqlite_where=_NAMES, postgresql_where=_NAMES),
        CheckConstraint("confidence IS NULL OR (confidence >= 0 AND confidence <= 1)", name="confidence"),
    )

    id: Mapped[Key]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    name: Mapped[str] = mapped_column(String(100))
    ordinal: Mapped[int]
    kind: Mapped[FieldKind] = mapped_column(words(FieldKind, "kind"))
    status: Mapped[FieldStatus] = mapped_column(words(FieldStatus, "status"))
    field_class: Mapped[str] = mapped_column(String(100), default="")
    value: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    text: Mapped[Prose]
    confidence: Mapped[float | None] = mapped_column(Float(53))
    page: Mapped[int | None]
    readings: Mapped[JsonList] = mapped_column(default=list)
    decision: Mapped[JsonObject] = mapped_column(default=dict)


class ModelFileRow(Base):
    """A model file that has read here; readings name it by the first digits of its SHA-256.

    source, version: the distribution its weights came in.  recipe: how the file was made of them.
    """

    __tablename__ = "model_files"
    __table_args__ = (CheckConstraint("length(sha256) = 64", name="sha256"),)

    sha256: Mapped[Digest] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(100))
    version: Mapped[str] = mapped_column(String(100))
    recipe: Mapped[str] = mapped_column(String(100))
    noted_at: Mapped[datetime]
