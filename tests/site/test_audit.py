"""The audit screen: who did what, by name, page by page."""

import re
from collections.abc import Callable

from intake import audit
from schemas.people import Role
from tests.site.served import SignedIn, Site

MakePerson = Callable[[Role], SignedIn]


def test_people_stand_there_by_name_and_everything_leads_to_what_it_is_about(site: Site, person: MakePerson) -> None:
    auditor = person(Role.AUDITOR)
    anna = site.make_person(Role.ADMIN, "anna", "Anna Jones")
    with site.service.database.write() as session:
        now = site.service.database.now(session)
        for number in range(60):
            audit.append(session, now, anna.actor, "document looked at", f"document:{number}", {"page_id": number})
    page = auditor.get("/audit").text
    assert page.count("Document looked at") == 50
    assert "Anna Jones" in page
    assert anna.actor not in page
    assert "page id: 59" in page
    older = re.search(r'href="(/audit\?before=\d+)">Older', page)
    assert older is not None
    assert auditor.get(older[1]).text.count("Document looked at") == 10
    about = auditor.get("/audit?about=document%3A17").text
    assert about.count("Document looked at") == 1
    for typed in ("anna", " ANNA ", anna.actor):
        assert auditor.get("/audit", params={"by": typed}).text.count("Document looked at") == 50
    assert "no such entry" in auditor.get("/audit?by=nobody").text
    with site.service.database.read() as session:
        assert audit.head(session).hash in page


def test_a_number_that_is_none_is_refused(person: MakePerson) -> None:
    auditor = person(Role.AUDITOR)
    for wrong in ("before=0", "before=x", f"before={2**63}", "about=" + "x" * 201):
        assert auditor.get(f"/audit?{wrong}").status_code == 422
