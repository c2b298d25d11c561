"""All tables in one place: import them from here."""

from intake.database.audit_tables import AuditHeadRow, AuditRow
from intake.database.caller_tables import ApiKeyRow
from intake.database.columns import Base
from intake.database.correction_tables import CorrectionRow
from intake.database.event_tables import CompletionRow, DeliveryRow, WebhookRow
from intake.database.mail_tables import BatchRow, FileRow, PageRow, PieceRow
from intake.database.operation_tables import ReconciliationRow, TallyRow, WorkerRow
from intake.database.people_tables import LinkRow, PersonRow, SessionRow, ThrottleRow
from intake.database.picture_tables import PagePictureRow
from intake.database.reading_tables import DocumentRow, FieldRow, ModelFileRow
from intake.database.record_tables import OutboxRow, RecordRow, RevisionRow, SequenceRow
from intake.database.review_tables import EntryRow, TaskRow
from intake.database.work_tables import IdempotencyRow, StepRow

__all__ = [
    "ApiKeyRow",
    "AuditHeadRow",
    "AuditRow",
    "Base",
    "BatchRow",
    "CompletionRow",
    "CorrectionRow",
    "DeliveryRow",
    "DocumentRow",
    "EntryRow",
    "FieldRow",
    "FileRow",
    "IdempotencyRow",
    "LinkRow",
    "ModelFileRow",
    "OutboxRow",
    "PagePictureRow",
    "PageRow",
    "PersonRow",
    "PieceRow",
    "ReconciliationRow",
    "RecordRow",
    "RevisionRow",
    "SequenceRow",
    "SessionRow",
    "StepRow",
    "TallyRow",
    "TaskRow",
    "ThrottleRow",
    "WebhookRow",
    "WorkerRow",
]
