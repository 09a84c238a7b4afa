"""Settings: every environment variable, validated once at cold start; nothing else reads the environment."""

import os

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

# Limits are data per stage: (how many, in how many seconds). A stage's LIMITS overrides single ones.
LIMITS: dict[str, tuple[int, int]] = {
    "sign_in_account": (10, 900),
    "sign_in_address": (60, 300),
    "sign_in_tenant": (600, 300),
    "second_factor": (5, 600),
    "invitation_address": (40, 3600),
    "renewal": (3, 3600),
    "verification_address": (30, 600),
    "invitations_tenant": (25, 86400),  # the operator raises it for an organization (services.tenants.set_cap)
    "login_link": (3, 86400),  # mailed to one client
    "invitations_client": (10, 86400),  # to one mailbox
    "scheduling_client": (20, 86400),  # bookings, moves and cancellations of one client (notes: security 38)
    "token": (120, 60),  # requests of one API token
    "tokens": (20, 0),  # API tokens an organization may have at once
    "tokens_made": (60, 86400),  # by one organization: they are listed on one page
    "password_reset_account": (3, 3600),
    "password_reset_day": (10, 86400),
    "password_reset_address": (10, 3600),
    "password_reset_tenant": (200, 3600),
    "email_change_account": (3, 3600),
    "link_address": (40, 3600),  # mailed links that are opened from one place
    "practice_sign_up_address": (5, 86400),
    "practice_sign_up_email": (3, 86400),  # so many mails a day to one mailbox
    "practice_sign_up_stage": (200, 86400),
    "slug_check_address": (60, 600),
    "staff_invitations_tenant": (50, 86400),
    "staff_invitation_address": (40, 3600),
    "packets_tenant": (1000, 86400),
    "packets_client": (10, 86400),
    "messages_client": (60, 3600),  # that one client writes
    "messages_tenant": (5000, 86400),  # of one organization, by its clients; as many by its staff (notes: security 3.7)
    "prints": (20, 3600),  # PDFs of conversations that one person has made
    "uploads_client": (20, 86400),  # that one client sends (notes: security 1, row 33)
    "uploads_staff": (300, 86400),  # that one staff member sends
    "payments_invoice": (5, 900),  # attempts to pay one invoice (notes: security 47)
    "payments_client": (10, 86400),
    "guest_payments_address": (60, 3600),  # pay links opened from one place
    "pay_links_client": (20, 86400),
    "prints_person": (60, 3600),
    "sign_up_address": (5, 3600),
    "sign_up_email": (5, 3600),  # mails an hour to one mailbox
    "sign_up_tenant": (50, 3600),
    "sessions": (5, 0),  # sessions a person may have at once; the oldest ends
}

# The least that Stripe takes at once, in minor units, of each currency that an organization can bill in: its table of
# minimum charge amounts as others quote it (2026), not read at Stripe itself. Compare them before going live:
# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. The table is about the currency in which an
# account settles; who is paid out in another one may find that Stripe refuses a little more than this.
LEAST_CHARGES: dict[str, int] = {"usd": 50, "cad": 50, "eur": 50, "gbp": 30, "aud": 50, "nzd": 50}
MOST_CHARGE = 99_999_999  # the most that it takes at once, in minor units of any of these: eight digits


class Settings(BaseModel):
    """What a function is told by its environment. A missing or empty value stops the cold start."""

    model_config = ConfigDict(frozen=True)

    stage: str = Field(min_length=1)
    aws_region: str = Field(min_length=1)
    table_name: str = Field(min_length=1)
    documents_bucket: str = Field(min_length=1)
    keys_bucket: str = Field(min_length=1)
    mail_queue_url: str = Field(min_length=1)
    sealing_queue_url: str = Field(min_length=1)
    jobs_queue_url: str = Field(min_length=1)
    uploads_queue_url: str = Field(min_length=1)
    payments_queue_url: str = Field(min_length=1)
    portal_origin: str = Field(pattern=r"^https?://[^/]+$")
    mail_sender: str = Field(min_length=3)
    data_key_id: str = Field(min_length=1)
    seal_key_id: str = Field(min_length=1)
    seal_certificate_key: str = Field(min_length=1)
    secrets_name: str = Field(min_length=1)
    stripe_secret_name: str = Field(min_length=1)
    origin_key: str | None = Field(default=None, min_length=32)  # proves that a request came through CloudFront
    documents_endpoint: str | None = None  # another address of the documents bucket for browsers (local development)
    stripe_api: str | None = Field(default=None, pattern=r"^https?://")  # another server in Stripe's place
    clamd_address: str | None = Field(default=None, pattern=r"^[^\s:]+:\d{1,5}$")  # a virus scanner, host:port
    retention_days: int = Field(default=2557, ge=1)  # signed forms are locked for seven years (notes: security 3.10)
    trusted_hours: int = Field(
        default=12, ge=0, le=24
    )  # so long a password alone signs staff in where a code was given
    device_days: int = Field(default=180, ge=1)  # so long a device is remembered after a sign-in
    practice_sign_up: bool = False  # whether anyone may open an organization here
    # Whom practices ask to activate their organization: an e-mail address or a page.
    operator_contact: str | None = Field(default=None, pattern=r"^(https://[^\s]+|[^@\s]+@[^@\s]+)$", max_length=200)
    export_page: int = Field(default=500, ge=1, le=1000)  # entries of the ledger that an export reads at once
    export_part_bytes: int = Field(default=6_291_456, ge=5_242_880)  # of a part of its file (S3: 5 MiB at least)
    hold_seconds: int = Field(default=30, ge=0, le=900)  # how long "Cancel" can call a mail back (SQS: at most 900)
    limits: Json[dict[str, tuple[int, int]]] = Field(default_factory=dict)

    def limit(self, name: str) -> tuple[int, int]:
        """How many of `name` in how many seconds."""
        return self.limits.get(name) or LIMITS[name]


def _from_environment() -> Settings:
    given = {name: value for name in Settings.model_fields if (value := os.environ.get(name.upper()))}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        names = ", ".join(str(e["loc"][0]).upper() for e in error.errors())
        raise RuntimeError(f"Missing or wrong in the environment: {names}") from None


settings = _from_environment()
