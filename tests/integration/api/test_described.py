"""What the description of the API promises holds for requests made from it by the thousand, good and bad ones.

No answer is a failure of the service, every answer is of a kind that is described and has the shape described there,
and nothing is given out without a key. `POSTROOM_SCHEMATHESIS` says how many requests are made.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from pydantic import SecretStr
from schemathesis import Case, GenerationMode, Response
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import select

from intake.api.app import create_app
from intake.api.policy import PolicedRoute, Policy, policy_of
from intake.database.tables import BatchRow, FileRow, PieceRow, RecordRow, RevisionRow
from intake.service import Service
from schemas.states import StepName
from tests.integration.api.caller import FILES, Caller, as_parts
from tests.integration.api.test_reading import number_of, set_aside
from tests.integration.database.review_world import RULES, World
from tests.integration.database.test_corrections import BORN, NHS, SURE, correct, sure

REQUESTS: Final = int(os.environ.get("POSTROOM_SCHEMATHESIS", "2000"))
STATEFUL: Final = REQUESTS // 5
AT_ONCE: Final = 10  # for each operation, before all others have their turn again
ASKED_WITHOUT_A_KEY: Final = 3  # every so many requests one is sent again without its key
KEY: Final = {"Authorization": "Bearer " + "k" * 40}
WRONG_KEYS: Final[tuple[dict[str, str], ...]] = (
    {},
    {"Authorization": "Bearer " + "w" * 40},
    {"Authorization": "Bearer"},
)
# A description cannot say all that is asked of a request: that a reason is more than blanks, or that a batch is there.
NOT_PROMISED: Final = [positive_data_acceptance]
HOW: Final[dict[str, Any]] = {
    "deadline": None, "database": None, "suppress_health_check": list(HealthCheck), "phases": [Phase.generate],
}  # fmt: skip
STEPS: Final = HOW | {"stateful_step_count": 8}


@dataclass
class Office:
    """The API, what is known in it, and what was found so far."""

    service: Service
    schema: BaseSchema
    public: frozenset[str]
    known: Mapping[str, list[str]]
    requests: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    corrected: int = 0

    def tag_of(self, record_id: object, *, newest: bool) -> str:
        """The ETag of the newest revision of a record, or of the first; of nothing if there is no such record."""
        query = select(RevisionRow.body_sha256).join(RecordRow).where(RecordRow.public_id == str(record_id))
        with self.service.database.read() as session:
            order = RevisionRow.number.desc() if newest else RevisionRow.number
            found = session.scalars(query.order_by(order).limit(1)).one_or_none()
        return f'"{found}"'

    def ask(self, case: Case) -> None:
        """Send it, check the answer, and now and then whether it is given without a key as well."""
        self.check(case.call(headers=dict(KEY)), case)
        is_first = not self.refused[case.operation.label]
        if case.operation.label in self.public or not (is_first or self.requests.total() % ASKED_WITHOUT_A_KEY == 0):
            return
        self.refused[case.operation.label] += 1
        wrong = WRONG_KEYS[self.refused.total() % len(WRONG_KEYS)]
        if (status := case.call(headers=dict(wrong)).status_code) != 401:
            self.faults[f"{case.operation.label} with {sorted(wrong)}"] = f"{status}, not 401"

    def check(self, response: Response, case: Case) -> None:
        """Every fault once, by its kind."""
        self.requests[case.operation.label] += 1
        self.statuses[response.status_code] += 1
        self.corrected += response.status_code == 201 and case.operation.label.endswith("/corrections")
        try:
            case.validate_response(response, excluded_checks=NOT_PROMISED, headers=dict(KEY))
        except FailureGroup as group:
            for fault in group.exceptions:
                if case.media_type == "multipart/form-data" and "was string, became" in str(fault):
                    continue  # a part of a form is text: sent as one, a number or a truth is a string
                self.faults.setdefault(f"{case.operation.label}: {fault.title}"[:300], str(group)[:3000])


@pytest.fixture
def office(service: Service) -> Office:
    """A service with something of everything: records, one of them corrected, and mail in every state."""
    names = {"api_keys": SecretStr("fuzz:" + "k" * 40), "hosts": "testserver", "requests_per_minute": 0}
    service = Service(service.settings.model_copy(update=names), service.database, service.store)
    # Nobody reads the mail here, however long the requests take.
    app = create_app(service, fresh_seconds=0, stalled_seconds=timedelta(days=1).total_seconds())
    app.state.front_desk = replace(app.state.front_desk, rules=RULES)
    world = World(service.database)
    world.read(*[sure(name=SURE, born=BORN, nhs=NHS)] * 3)
    world.publish()
    correct(world, {"name": "Jane Doyle"})
    Caller(app, url="http://testserver")("POST", "/v1/batches", files=as_parts(FILES), headers=KEY)
    set_aside(service, StepName.UNPACK, file_id=number_of(service, "first.tif"))
    public = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, PolicedRoute) and policy_of(route.endpoint) is Policy.ANYBODY
        for method in route.methods
    }
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app, headers=KEY)
    return Office(service, schema, frozenset(public), _known(service))


def _known(service: Service) -> dict[str, list[str]]:
    """Ids that are there, by the name of the parameter that takes them."""
    columns = {
        "batch_id": BatchRow.public_id, "file_id": FileRow.public_id, "subject_id": FileRow.public_id,
        "piece_id": PieceRow.public_id, "record_id": RecordRow.public_id,
    }  # fmt: skip
    with service.database.read() as session:
        known = {name: list(map(str, session.scalars(select(column)))) for name, column in columns.items()}
    return known


def _operations(office: Office) -> Iterator[tuple[APIOperation, GenerationMode]]:
    for found in office.schema.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            yield found.ok(), mode


def _with_known(case: Case, office: Office, draw: Callable[[Any], Any]) -> None:
    """Often about something that is there, unless the address is what was made wrong."""
    made = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    if made is not None and made.mode is GenerationMode.NEGATIVE:
        return
    for name in case.path_parameters or {}:
        if name in office.known and draw(st.integers(0, 3)):
            case.path_parameters[name] = draw(st.sampled_from(office.known[name]))


CORRECTIONS: Final = "POST /v1/records/{record_id}/corrections"


def _correct_some(office: Office, number: int) -> None:
    """Corrections of records there are: by chance alone hardly a field would have its right name."""
    [operation] = [found for found, _ in _operations(office) if found.label == CORRECTIONS][:1]
    values = st.fixed_dictionaries({"value": st.text(max_size=9) | st.integers(), "sure": st.just(True)})

    @seed(number)
    @settings(max_examples=2 * AT_ONCE, **HOW)
    @given(
        record=st.sampled_from(office.known["record_id"]),
        tag=st.sampled_from(["newest", "first", ""]),
        fields=st.dictionaries(st.sampled_from(["name", "born", "nhs", "nothing"]), values, min_size=1, max_size=2),
        reason=st.sampled_from(["She rang.", "It was another.", " "]),
    )
    def ask(record: str, tag: str, fields: dict[str, Any], reason: str) -> None:
        office.ask(
            operation.Case(
                path_parameters={"record_id": record},
                headers={"If-Match": office.tag_of(record, newest=tag == "newest")} if tag else {},
                body={"fields": fields, "reason": reason},
                media_type="application/json",
            )
        )

    ask()


def test_every_answer_is_one_that_is_described(office: Office) -> None:
    for number in count(1):
        for operation, mode in _operations(office):
            _ask_some(office, operation, mode, number)
        _correct_some(office, number)
        if office.requests.total() >= REQUESTS - STATEFUL:
            break
    _told(office)
    assert office.faults == {}
    every = {operation.label for operation, _ in _operations(office)}
    assert (set(office.requests), set(+office.refused)) == (every, every - office.public)
    # Not all were turned away at the door.
    assert {200, 201, 404, 409, 412, 422, 428} <= set(office.statuses)
    assert office.corrected > 0


def test_every_answer_is_one_that_is_described_when_one_request_follows_from_another(office: Office) -> None:
    class Machine(office.schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"headers": dict(KEY)}

        def validate_response(self, response: Response, case: Case, **_: Any) -> None:
            office.check(response, case)

    for number in count(1):
        try:
            run_state_machine_as_test(seed(number)(Machine), settings=settings(max_examples=AT_ONCE, **STEPS))
        except Flaky:
            pass  # the service remembers, and answers the second run of the same steps otherwise than the first
        if office.requests.total() >= STATEFUL:
            break
    _told(office)
    assert office.faults == {}
    assert office.requests["GET /v1/batches/{batch_id}"] > 0
    assert office.statuses[200] > office.statuses[404]


def _ask_some(office: Office, operation: APIOperation, mode: GenerationMode, number: int) -> None:
    @seed(number)
    @settings(max_examples=AT_ONCE, **HOW)
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Case, data: st.DataObject) -> None:
        _with_known(case, office, data.draw)
        office.ask(case)

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # there is nothing to get wrong


def _told(office: Office) -> None:
    print(f"\nrequests: {office.requests.total()}, by status: {dict(sorted(office.statuses.items()))}")
