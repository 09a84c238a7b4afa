"""Recurring appointments and groups in browsers: planned with the conflicts in sight, followed, changed, attended."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from playwright.sync_api import expect

from tests import booking, flows
from tests.booking import PEOPLE
from tests.e2e.device import Device

C1, C3, T1 = PEOPLE["C1"], PEOPLE["C3"], PEOPLE["T1"]
SHOWN = "Immy Thistlewood"  # as C1 is called


def test_a_series_and_a_group_from_plan_to_attendance(devices: Callable[..., Device], call: Any) -> None:
    admin = call("A1")
    service = booking.opened(call, "T1", times=booking.NINE_TO_FIVE)
    for key in ("C2", "C3"):
        assigned = admin.post(f"/practice/clients/{PEOPLE[key].id}/therapists", {"staff_id": T1.id})
        assert assigned.status < 300, assigned
    clock = admin.clock
    first = date.fromisoformat(booking.at(clock, 7)[:10])
    # At three in the afternoon: C3 is there in the second week, T1 is away in the third.
    assert booking.book_for(admin, "C3", "T1", service, booking.at(clock, 14, "20:30")).status == 201
    away = (first + timedelta(days=14)).isoformat()
    booking.hours(admin, "T1", *booking.NINE_TO_FIVE, time_off=[{"first_day": away, "last_day": away}])
    desk = devices("desktop", name="desk")
    desk.enter(call.browser("T1"))
    page = desk.page

    # ---- a series ----
    desk.open(f"/staff/clients/{C1.id}/appointments/new")
    desk.arrived("New appointment", by_link=False)
    page.get_by_label("Day").fill(first.isoformat())
    page.get_by_label("Starts at").fill("15:00")
    page.get_by_label("Repeats").select_option("Every week")
    page.get_by_label("How many times").fill("5")
    desk.sees("3 of 5 times are free.")
    desk.sees("Another appointment or its buffer is in the way")
    desk.sees("In time off")
    desk.look("repeat")
    page.get_by_label(re.compile("Book it anyway")).check()
    desk.press("Book 4 appointments")
    desk.arrived("Recurring appointments")
    admin.drain()
    desk.sees("Done. 1 time was not booked or changed; the reasons are below.")
    expect(page.get_by_text("Confirmed", exact=True)).to_have_count(4)
    desk.look("series")

    page.get_by_role("link", name=re.compile("Confirmed")).nth(1).click()
    desk.arrived(SHOWN, title="Appointment")
    desk.press("Move this and all following")
    new_day = page.get_by_label("Day", exact=True)
    planned = new_day.input_value()
    new_day.fill(booking.at(clock, -1)[:10])
    desk.sees("This time is past. This and all following can be moved to a time that is still ahead.")
    form = page.get_by_role("form", name="Move this and all following")
    desk.press("Move", within=form)  # is not sent: the server's refusal would be a trouble of this device
    expect(new_day).to_be_focused()
    desk.sees("Choose a time that is still ahead")
    desk.look("following-past", both=False)
    new_day.fill(planned)
    page.get_by_label("Starts at").fill("10:00")
    page.get_by_role("button", name="Move 3 appointments").click()
    desk.sees(re.compile("Some of the new times are outside the hours"))
    page.get_by_label("Move those outside the hours, too").check()
    desk.look("following")
    page.get_by_role("button", name="Move 3 appointments").click()
    desk.arrived("Recurring appointments")
    admin.drain()
    expect(page.get_by_text(re.compile("10:00"))).to_have_count(3)

    # ---- a group that meets every week; C3 is with T4 in the second ----
    elsewhere = admin.post(f"/practice/clients/{C3.id}/therapists", {"staff_id": PEOPLE["T4"].id})
    assert elsewhere.status < 300, elsewhere
    assert booking.book_for(admin, "C3", "T4", service, booking.at(clock, 15, "16:30"), override=True).status == 201
    desk.open("/staff/calendar/new")
    desk.follow("Make a group appointment instead")
    desk.arrived("New group appointment")
    page.get_by_label("Day").fill((first + timedelta(days=1)).isoformat())
    page.get_by_label("Starts at").fill("11:00")
    page.get_by_label("Places").fill("3")
    for name in (SHOWN, "Bea Lindqvist"):
        page.get_by_role("button", name=f"Add {name}").click()
    expect(page.get_by_role("button", name=f"Add {PEOPLE['C2'].name}")).to_be_focused()
    desk.sees("2 of 3 places")
    desk.sees("This time is free.")
    page.get_by_label("Repeats").select_option("Every week")
    page.get_by_label("How many times").fill("3")
    desk.sees(re.compile("At 1 time somebody has another appointment"))
    desk.look("new-group")
    desk.press("Make 3 groups")
    desk.arrived("Session, recurring", title="Recurring group")
    admin.drain()
    desk.sees("Bea Lindqvist: has another appointment then")
    desk.look("group-series")
    page.get_by_role("link", name=re.compile("2 of 3 places taken")).first.click()
    desk.arrived("Session", title="Group")
    expect(page.get_by_text("Takes part", exact=True)).to_have_count(2)
    desk.press("Change places")
    page.get_by_role("dialog").get_by_label("Places").fill("1")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    desk.sees("Enter 2 to 20")
    page.get_by_role("dialog").get_by_label("Places").fill("4")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    desk.sees("2 of 4 taken")
    desk.look("group-places")
    page.get_by_label("This group and all that follow").check()
    page.get_by_role("button", name=re.compile(f"Add {PEOPLE['C2'].name}")).click()
    desk.arrived("Session, recurring", title="Recurring group")
    admin.drain()
    expect(page.get_by_text("3 of 4 places taken", exact=True)).to_be_visible()
    page.get_by_role("link", name=re.compile("3 of 3 places taken")).first.click()
    desk.sees("All places are taken.")
    desk.look("group")
    desk.press("Move this and all following")
    page.get_by_label("Day", exact=True).fill(booking.at(clock, -1)[:10])
    desk.sees("This time is past. This and all following can be moved to a time that is still ahead.")
    desk.press("Move", within=form)
    page.get_by_label("Day", exact=True).fill((first + timedelta(days=1)).isoformat())
    page.get_by_label("Starts at").fill("12:00")
    desk.sees("This time is free.")
    desk.look("group-following")
    page.get_by_role("button", name="Move 1 group").click()
    desk.arrived("Session, recurring", title="Recurring group")
    admin.drain()
    expect(page.get_by_text(re.compile("12:00"))).to_have_count(1)
    desk.open("/staff/calendar")
    page.get_by_label("Go to").fill((first + timedelta(days=1)).isoformat())
    expect(page.get_by_role("link", name=re.compile("Group · 3 of 4")).first).to_be_visible()
    desk.look("calendar")

    # ---- the client's own place ----
    phone = devices("phone")
    phone.enter(call.browser("C3"))
    phone.open("/appointments")
    phone.page.get_by_role("link", name=re.compile("11:00")).click()
    phone.arrived("Appointment")
    phone.sees(re.compile("This is a group appointment"))
    expect(phone.page.get_by_role("link", name="Choose another time")).to_have_count(0)
    assert SHOWN not in phone.page.content()
    phone.look("place")
    phone.press("Cancel this appointment")
    phone.page.get_by_role("dialog").get_by_role("button", name="Cancel this appointment").click()
    phone.sees("You cancelled it.")

    # ---- who was there ----
    record = min(flows.stored("group"), key=lambda each: str(each["starts_at"]))
    for each in (page, phone.page):  # everyone is signed out by then, and open pages look for messages by themselves
        each.close()
    clock.set(booking.instant(record["starts_at"]) + timedelta(minutes=5))
    desk = devices("desktop", name="desk-later")
    page = desk.page
    desk.enter(call.browser("T1"))
    desk.open(f"/staff/groups/{T1.id}/{record['appointment_id']}")
    desk.arrived("Session", title="Group", by_link=False)
    desk.sees("Cancelled by the client")
    page.get_by_role("button", name=f"Was there {SHOWN}").click()
    desk.sees("Noted.")
    page.get_by_role("button", name=f"No-show {PEOPLE['C2'].name}").click()
    expect(page.get_by_text("No-show", exact=True).first).to_be_visible()
    desk.look("attended")
