"""C4 with an account and forms to fill in, set up over HTTP so that a test can begin in the middle."""

import re
from typing import Any

from playwright.sync_api import Page

from infra.local import world
from tests import flows
from tests.calls import PEOPLE, Answer, Caller

C4 = next(each for each in world.CLIENTS if each.key == "C4")
PASSWORD = "seven lanterns on the pier"
QUESTIONNAIRE = "standard-intake-questionnaire"
CONSENT = "informed-consent-for-psychotherapy"
NOTICE = "notice-of-privacy-practices"


def client_page(key: str, tab: str = "") -> str:
    """Client Details of "C1"."""
    return f"/staff/clients/{PEOPLE[key].id}{tab}"


def last_link(office: Caller) -> str:
    """The link of the latest invitation to C4."""
    office.drain()
    found = re.search(r"\S+/join#\S+", office.outbox(C4.email)[-1]["text"])
    assert found
    return found.group()


def give_birth_date(page: Page, birth_date: str = C4.birth_date) -> None:
    """What joining asks for before the password."""
    asked = page.get_by_role("group", name="Your date of birth")
    year, month, day = birth_date.split("-")
    asked.get_by_label("Month").select_option(str(int(month)))
    asked.get_by_label("Day").fill(str(int(day)))
    asked.get_by_label("Year").fill(year)


class Packet:
    """The packet of three forms, and C4's sessions."""

    def __init__(self, office: Caller, link: str) -> None:
        self._office = office
        self.client = self._caller()
        self.client.remember(_created(flows.redeem(self.client, link.partition("#")[2], password=PASSWORD)))
        self.intake_id: str = self.client.get("/portal/intakes").json["items"][0]["intake_id"]

    def _caller(self) -> Caller:
        return Caller(self._office.port, self._office.clock)

    def another_session(self) -> Caller:
        """C4 signs in on another device."""
        caller = self._caller()
        body = {"slug": "oak", "kind": "client", "email": C4.email, "password": PASSWORD, "code": None, "bearer": False}
        caller.remember(_created(caller.post("/sessions", body)))
        return caller

    def page(self, form_id: str, step: str | None = None) -> str:
        """The page of a form, at a section if one is named."""
        return f"/forms/{self.intake_id}/{form_id}" + (f"?s={step}" if step else "")

    def form(self, form_id: str) -> dict[str, Any]:
        """The form as the server has it now."""
        answer: dict[str, Any] = self.client.get(f"/portal/intakes/{self.intake_id}/forms/{form_id}").json
        return answer

    def answer(self, form_id: str, section: str, answers: dict[str, Any]) -> None:
        """Answers that were given before."""
        path = f"/portal/intakes/{self.intake_id}/forms/{form_id}/sections/{section}"
        saved = self.client.patch(path, {"answers": answers, "skipped": None, "position": False})
        assert saved.status == 200, saved

    def sign(self, form_id: str) -> None:
        """C4 signs on another device."""
        body = {
            "method": "typed",
            "typed_name": C4.name,
            "strokes": None,
            "printed_name": C4.name,
            "relationship": "self",
            "disclosure_version": 1,
            "consents": {"read": True, "esign": True, "intent": True},
            "time_zone": "America/New_York",
        }
        _created(self.client.post(f"/portal/intakes/{self.intake_id}/forms/{form_id}/signature", body))


def _created(answer: Answer) -> Answer:
    assert answer.status == 201, answer
    return answer
