"""What can go wrong, one class an error: its HTTP status, a stable code, and a sentence that a person can read.

    raise AlreadySigned()
    raise InvalidBody(errors=[{"pointer": "/password", "code": "too_short", "detail": "Use at least 15 characters"}])

Sentences are fixed: nothing that a person typed is ever put into one (RFC 9457; logs keep the code only).
"""

from typing import Any


class PortalError(Exception):
    """Base of every expected failure."""

    status = 500
    code = "internal"
    title = "Something failed on our side. Nothing was lost; please try again in a moment."

    def __init__(self, *, errors: list[dict[str, Any]] | None = None, retry_after: int | None = None) -> None:
        super().__init__(self.code)
        self.errors = errors or []
        self.retry_after = retry_after


class Malformed(PortalError):
    status, code, title = 400, "malformed", "The request could not be read."


class IdempotencyKeyMissing(PortalError):
    status, code = 400, "idempotency_key_missing"
    title = "This request needs an Idempotency-Key header, so that sending it twice does it once."


class InvalidCursor(PortalError):
    status, code, title = 400, "invalid_cursor", "This page marker is not one of ours. Start the list again."


class TwoCredentials(PortalError):
    status, code, title = 400, "two_credentials", "Send either the session cookie or a bearer token, not both."


class Unauthenticated(PortalError):
    status, code, title = 401, "unauthenticated", "Please sign in."


class InvalidCredentials(PortalError):
    status, code, title = 401, "invalid_credentials", "That did not match. Check the e-mail address and the password."


class SecondFactorRequired(PortalError):
    status, code, title = 401, "second_factor_required", "Enter the 6-digit code from your authenticator app."


class Forbidden(PortalError):
    status, code, title = 403, "forbidden", "Your role does not include this."


class ScopeMissing(PortalError):
    status, code, title = 403, "scope_missing", "The scopes of this API token do not include this."


class ProofRequired(PortalError):
    status, code, title = 403, "proof_required", "Enter your password once more to go on."


class CrossSite(PortalError):
    status, code, title = 403, "csrf", "This request did not come from the portal's own pages. Reload and try again."


class FeatureNotInPlan(PortalError):
    status, code, title = 403, "feature_not_in_plan", "The organization's plan does not include this."


class FeatureSwitchedOff(PortalError):
    status, code, title = 403, "feature_switched_off", "The organization has switched this off."


class OrganizationSuspended(PortalError):
    status, code = 403, "organization_suspended"
    title = "The organization's portal is paused. What is on record can be read; nothing new can be sent or begun."


class SignUpClosed(PortalError):
    status, code, title = 403, "sign_up_closed", "New practices cannot sign up here. Write to us instead."


class NotFound(PortalError):
    status, code, title = 404, "not_found", "There is nothing here, or it is not yours to see."


class MethodNotAllowed(PortalError):
    status, code, title = 405, "method_not_allowed", "This address does not take that method."


class Stale(PortalError):
    status, code = 412, "stale"
    title = "Someone changed this in the meantime. Look at what is there now, then change it again."


class PreconditionMissing(PortalError):
    status, code, title = 428, "if_match_missing", "Send If-Match with the etag you read."


class TooLarge(PortalError):
    status, code, title = 413, "too_large", "That is too large to send."


class UnsupportedMedia(PortalError):
    status, code, title = 415, "unsupported_media_type", "This address does not take that kind of content."


class InvalidBody(PortalError):
    status, code, title = 422, "invalid_body", "Some of this needs another look."


class IdempotencyKeyReused(PortalError):
    status, code = 422, "idempotency_key_reused"
    title = "This Idempotency-Key was used for a different request."


class ProofFailed(PortalError):
    status, code, title = 422, "proof_failed", "That did not match. Check the password and the code."


class FormUnfit(PortalError):
    status, code, title = 422, "form_unfit", "This form cannot be published yet. Each place that needs work is marked."


class AnswersIncomplete(PortalError):
    status, code, title = 422, "answers_incomplete", "Some answers are still missing."


class BirthDateMismatch(PortalError):
    status, code = 422, "birth_date_mismatch"
    title = "That date of birth is not the one that the practice has. Check it, then try again."


class TooManyRequests(PortalError):
    status, code, title = 429, "too_many_requests", "Too many tries. Wait a moment, then try again."


class DailyCap(TooManyRequests):
    code = "daily_cap"
    title = "Your organization has sent as many invitations as it may in a day. Go on tomorrow, or ask us to raise it."


class MessagesCap(TooManyRequests):
    code = "messages_cap"
    title = "As many messages as one organization may send in a day were sent. Try again tomorrow, or call."


class Busy(PortalError):
    status, code, title = 503, "busy", "We are busy for a moment. Nothing was lost; please try again."


class DocumentUnreachable(PortalError):
    status, code = 503, "document_unreachable"
    title = "This file cannot be fetched from our store. We have been told and are looking for it; try again later."


# ---- state of a record: 409 ----


class NoEmail(PortalError):
    status, code, title = 409, "no_email", "There is no e-mail address on the client's file. Add one, then invite."


class EmailInUse(PortalError):
    status, code = 409, "email_in_use"
    title = "This e-mail address already belongs to another portal account of your organization."


class AlreadyActive(PortalError):
    status, code = 409, "already_active"
    title = "This client already has a portal account. Share the login link instead."


class AlreadyInvited(PortalError):
    status, code = 409, "already_invited"
    title = "This client has an open invitation. Resend it, or revoke it first."


class HasAccount(PortalError):
    status, code = 409, "has_account"
    title = "The client signs in with this address. It can be changed to another one, but not taken away."


class AddressInvited(PortalError):
    status, code = 409, "address_invited"
    title = "An invitation to the old address is open. Revoke it, change the address, then invite again."


class LikelyDuplicate(PortalError):
    status, code, title = 409, "likely_duplicate", "There is already a file that is likely of the same person."


class ClientArchived(PortalError):
    status, code, title = 409, "client_archived", "This client's file is archived."


class AddressSuppressed(PortalError):
    status, code = 409, "address_suppressed"
    title = "This e-mail address did not take our mail, or asked for no more. Mend it first, then choose Try again."


class ComplaintStands(PortalError):
    status, code = 409, "complaint_stands"
    title = "The person marked our mail as spam. Only an administrator may write again, and only if the person asked."


class NotActive(PortalError):
    status, code, title = 409, "not_active", "This client has no portal account. Send an invitation instead."


class MailUnderWay(PortalError):
    status, code = 409, "mail_under_way"
    title = "The e-mail is on its way and cannot be called back. Revoke the invitation to stop its link."


class TooManySaved(PortalError):
    status, code, title = 409, "too_many_saved", "There are 30 saved texts. Delete one that is not needed any more."


class InvitationClosed(PortalError):
    status, code, title = 409, "invitation_closed", "This invitation is no longer open."


class InvitationUsed(PortalError):
    status, code, title = 409, "invitation_used", "This invitation was already used. Sign in instead."


class InvitationExpired(PortalError):
    status, code, title = 409, "invitation_expired", "This invitation has expired. Ask for a new one."


class InvitationLocked(PortalError):
    status, code = 409, "invitation_locked"
    title = "This link was closed after several wrong dates of birth. Ask for a new one."


class InvitationRevoked(PortalError):
    status, code = 409, "invitation_revoked"
    title = "This invitation is no longer valid. Ask the practice for a new one."


class NoAddressToChange(PortalError):
    status, code = 409, "no_address_to_change"
    title = "There is no portal account yet whose e-mail address could be changed."


class AddressTaken(PortalError):
    status, code = 409, "address_taken"
    title = "This e-mail address already belongs to another account here. Nothing was changed."


class NoSecondFactor(PortalError):
    status, code, title = 409, "no_second_factor", "This account signs in without codes. Switch them on first."


class SecondFactorMandatory(PortalError):
    status, code, title = 409, "second_factor_mandatory", "Staff accounts always need a code from an authenticator app."


class EnrolmentOver(PortalError):
    status, code, title = 409, "enrolment_over", "This key has run out. Begin again with a new one."


class LinkUsed(PortalError):
    status, code, title = 409, "link_used", "This link was already used. Ask for a new one if you still need it."


class LinkExpired(PortalError):
    status, code, title = 409, "link_expired", "This link has ended. Ask for a new one."


class SignupDecided(PortalError):
    status, code, title = 409, "sign_up_decided", "A colleague has already answered this sign-up."


class JobEnded(PortalError):
    status, code, title = 409, "job_ended", "This has ended already."


class TooManyTokens(PortalError):
    status, code = 409, "too_many_tokens"
    title = "The organization has as many API tokens as it may have. Revoke one that is not needed, then try again."


class UploadMissing(PortalError):
    status, code, title = 409, "upload_missing", "The file has not arrived. Send it again."


class UploadNotReady(PortalError):
    status, code, title = 409, "upload_not_ready", "This file is still being checked, or it was not accepted."


class UploadUsed(PortalError):
    status, code, title = 409, "upload_used", "This file was filed already."


class NeverSealed(PortalError):
    status, code, title = 409, "never_sealed", "This file was uploaded, not signed here: it carries no seal of ours."


class AlwaysShared(PortalError):
    status, code = 409, "always_shared"
    title = "What a client signed or uploaded stays with them: it cannot be hidden from them."


class AlreadySigned(PortalError):
    status, code, title = 409, "already_signed", "This form is signed and cannot be changed."


class IntakeRevoked(PortalError):
    status, code, title = 409, "intake_revoked", "The practice took this form back. Nothing more is needed here."


class NotSealed(PortalError):
    status, code, title = 409, "not_sealed", "This document is still being sealed. It will be here in a moment."


class DisclosureChanged(PortalError):
    status, code = 409, "disclosure_changed"
    title = "The text about signing electronically has changed. Please read it again."


class SlugTaken(PortalError):
    status, code, title = 409, "slug_taken", "This address is taken. Choose another one."


class LastAdministrator(PortalError):
    status, code = 409, "last_administrator"
    title = "This is the only administrator who can sign in. Make someone else an administrator first."


class NotAdministrable(PortalError):
    status, code = 409, "staff_state"
    title = "This is not possible for this staff member now. Load the page again to see how it stands."


class NotATherapist(PortalError):
    status, code, title = 409, "not_a_therapist", "Only a therapist can be assigned to clients."


class AlreadyOnPlan(PortalError):
    status, code, title = 409, "already_on_plan", "Your organization has this plan already."


class DraftExists(PortalError):
    status, code = 409, "draft_exists"
    title = "There is a draft of this form already. Open it, or put the other text in its place."


class NotStandard(PortalError):
    status, code, title = 409, "not_standard", "This form did not come with the portal: there is no standard text."


class NothingPublished(PortalError):
    status, code, title = 409, "nothing_published", "This form has never been published. Publish it, or delete it."


class NoAccount(PortalError):
    status, code, title = 409, "no_account", "This client has no portal account yet. Invite them first."


class AccessEnded(PortalError):
    status, code, title = 409, "access_ended", "This client's access to the portal has ended."


class NothingToSend(PortalError):
    status, code, title = 409, "nothing_to_send", "All of these forms are open with the client already."


class IntakeClosed(PortalError):
    status, code, title = 409, "intake_closed", "Nothing of this is open any more. Look at how it stands now."


class InvitationOpen(PortalError):
    status, code = 409, "invitation_open"
    title = "These forms go with an invitation that is open. Revoke the invitation instead."


class RemindedToday(PortalError):
    status, code, title = 409, "reminded_today", "This client was reminded less than a day ago."


class NotNotice(PortalError):
    status, code, title = 409, "not_a_notice", "Only a notice can be recorded as not acknowledged. Take the form back."


# ---- appointments: 409 ----


class SlotTaken(PortalError):
    status, code, title = 409, "slot_taken", "Someone else was a moment faster. Please choose another time."


class SlotNotOffered(PortalError):
    status, code, title = 409, "slot_not_offered", "This time is no longer offered. Please choose another one."


class TooSoon(PortalError):
    status, code, title = 409, "too_soon", "This time is too soon to be booked here. Please choose a later one."


class TooFar(PortalError):
    status, code, title = 409, "too_far", "This time is too far ahead to be booked here. Please choose an earlier one."


class OwnConflict(PortalError):
    status, code, title = 409, "own_conflict", "You already have an appointment at this time."


class ClientBusy(PortalError):
    status, code, title = 409, "client_busy", "The client already has an appointment at this time."


class InGroup(PortalError):
    status, code = 409, "in_group"
    title = "This is a place in a group. A group has one time for everyone, which only the practice can change."


class GroupFull(PortalError):
    status, code, title = 409, "group_full", "This group is full."


class TooFewPlaces(PortalError):
    status, code = 409, "too_few_places"
    title = "More people take part than that. Take somebody out first, or choose a higher number."


class SeriesAtWork(PortalError):
    status, code = 409, "series_at_work"
    title = "This series is still being brought up to date. Please try again in a moment."


class NotInSeries(PortalError):
    status, code, title = 409, "not_in_series", "This appointment does not belong to a series."


class NothingToBook(PortalError):
    status, code, title = 409, "nothing_to_book", "None of these times can be booked. Please look at them again."


class TherapistNotOffered(PortalError):
    status, code, title = 409, "therapist_not_offered", "This therapist cannot be booked here. Please choose again."


class ServiceNotOffered(PortalError):
    status, code, title = 409, "service_not_offered", "This is not offered any more. Please choose again."


class TooManyOpen(PortalError):
    status, code = 409, "too_many_open"
    title = "You have as many open requests as are possible at once. Wait for an answer, or withdraw one."


class TooManyAhead(PortalError):
    status, code = 409, "too_many_ahead"
    title = "You have booked as many appointments ahead as are possible here. Call the practice for more."


class TooLate(PortalError):
    status, code = 409, "too_late"
    title = "It is too late to change this here. Please call the practice."


class AppointmentEnded(PortalError):
    status, code = 409, "appointment_ended"
    title = "This appointment is no longer what it was. Look at what is there now."


class RequestExpired(PortalError):
    status, code, title = 409, "request_expired", "This request has expired: its time is no longer held."


class NotProposed(PortalError):
    status, code, title = 409, "not_proposed", "This time is not among those that the practice offers you."


class AlreadyWaiting(PortalError):
    status, code, title = 409, "already_waiting", "You are on this therapist's wait list already."


class WaitListClosed(PortalError):
    status, code, title = 409, "wait_list_closed", "The wait list is not open now. Please call the practice."


class OfferGone(PortalError):
    status, code, title = 409, "offer_gone", "This time is no longer held for you. You are still told of others."


class WaitEnded(PortalError):
    status, code, title = 409, "wait_ended", "You are not on this wait list any more."


class NotYetBegun(PortalError):
    status, code, title = 409, "not_yet_begun", "This appointment has not begun yet."


class NotYourCalendar(PortalError):
    status, code, title = 409, "not_your_calendar", "This belongs to a colleague's calendar."


class NotAssigned(PortalError):
    status, code, title = 409, "not_assigned", "This therapist is not assigned to the client."


class NeedsOverride(PortalError):
    status, code = 409, "needs_override"
    title = "This time has something against it. Look at what, then go ahead all the same or choose another."


# ---- invoices and payments: 409, and 503 while the processor cannot be reached ----


class InvoiceState(PortalError):
    status, code = 409, "invoice_state"
    title = "This is not possible for this invoice now. Load the page again to see how it stands."


class AlreadyBilled(PortalError):
    status, code, title = 409, "already_billed", "One of these appointments stands on an invoice already."


class NotBillable(PortalError):
    status, code = 409, "not_billable"
    title = "Only appointments that took place can be billed, and only services that have a price."


class CurrencyChanged(PortalError):
    status, code = 409, "currency_changed"
    title = "The organization bills in another currency now. Save the draft again to use it."


class CurrencyFixed(PortalError):
    status, code = 409, "currency_fixed"
    title = "Invoices were issued or money was recorded in this currency, so it stays."


class NothingToPay(PortalError):
    status, code, title = 409, "nothing_to_pay", "There is nothing to pay on this invoice."


class AmountTooLarge(PortalError):
    status, code, title = 409, "amount_too_large", "This is more than is there. Load the page again for the amounts."


class AmountTooSmall(PortalError):
    status, code, title = 409, "amount_too_small", "This is less than the practice takes at once."


class RemainderTooSmall(PortalError):
    status, code = 409, "remainder_too_small"
    title = "So little would be left that no card could pay it. Pay all of it, or leave a little more."


class TooLittleOnline(PortalError):
    status, code = 409, "too_little_online"
    title = "This is less than a card can pay. Please pay it at the practice, or together with another invoice."


class TooMuchOnline(PortalError):
    status, code = 409, "too_much_online"
    title = "Together this is more than a card can pay at once. Choose fewer invoices, and pay the others after that."


class AmountsFixed(PortalError):
    status, code, title = 409, "amounts_fixed", "Several invoices at once are paid whole. Pay one to change its amount."


class PaymentUnderWay(PortalError):
    status, code, title = 409, "payment_under_way", "A payment of this is under way. It will show here in a moment."


class NotRefundable(PortalError):
    status, code, title = 409, "not_refundable", "This refund cannot be made: nothing went back."


class RefundUnderWay(PortalError):
    status, code = 409, "refund_under_way"
    title = (
        "A refund of this payment is under way. It will show here in a moment: look again before you send more back."
    )


class CardsNotConnected(PortalError):
    status, code, title = 409, "card_processing_not_connected", "The practice does not take cards here at present."


class AlreadyConnected(PortalError):
    status, code, title = 409, "already_connected", "Card processing is connected already."


class CardGone(PortalError):
    status, code, title = 409, "card_gone", "This card is not saved here any more. Choose another way to pay."


class PayLinkEnded(PortalError):
    status, code, title = 409, "pay_link_ended", "This link has been used or has ended. Ask for a new one."


class BadSignature(PortalError):
    status, code, title = 400, "bad_signature", "The signature does not fit."


class ProcessorDown(PortalError):
    status, code = 503, "processor_unavailable"
    title = "The card processor cannot be reached. Please try again in a moment; nothing is charged twice."


class ProcessorRefused(PortalError):
    status, code, title = 409, "processor_refused", "The card processor did not accept this. Nothing was charged."


class NobodyThere(PortalError):
    status, code = 409, "nobody_there"
    title = "Nobody in this conversation can be reached here any more. Start a new message instead."


class NotInTrash(PortalError):
    status, code, title = 409, "not_in_trash", "This conversation is not in the trash."


class DraftSent(PortalError):
    status, code, title = 409, "draft_sent", "This draft has been sent already. Look at the conversation."


class PrintNotReady(PortalError):
    status, code, title = 409, "print_not_ready", "The PDF is still being made. Try again in a moment."


class TakesPart(PortalError):
    status, code, title = 409, "takes_part", "You take part in this conversation. Read it in your inbox."


class GlassNotBroken(PortalError):
    status, code = 409, "glass_not_broken"
    title = "Say first why you need to read this conversation. Its therapist and the other administrators are told."
