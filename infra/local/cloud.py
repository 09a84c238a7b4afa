"""The region's stateful stack under moto: the table, buckets, queues, keys, secret and mail identity.

What the table and the queues look like is read from infra/stateful.yaml, so that this and a deployed stage cannot drift
apart. Import this before anything of chalicelib: the application reads its environment when it is imported, and moto
only reaches clients that were made after it was loaded.
"""

import functools
import json
import os
import secrets
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.config import Config

from infra import template
from infra.local import moto_fix

ACCOUNT = "123456789012"
REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
STAGE = "local"
PREFIX = f"client-portal-{STAGE}"
MAIL_DOMAIN = "portal.example"
ORIGIN_KEY = secrets.token_hex(24)  # of this run
STAND_IN = "sk_test_stand_in"
# A test key of one's own puts the real Stripe in the stand-in's place (README, Stripe).
STRIPE_KEY = os.environ.get("STRIPE_KEY") or STAND_IN
STRIPE_WEBHOOK_SECRET = os.environ.get("STRIPE_WEBHOOK_SECRET") or "whsec_stand_in_of_this_machine"
CERTIFICATE = "seal/certificate.pem"
QUEUES = {
    "mail": "MailQueue",
    "mail-events": "MailEventsQueue",
    "sealing": "SealingQueue",
    "jobs": "JobsQueue",
    "uploads": "UploadsQueue",
    "payments": "PaymentsQueue",
}
RETRY_SECONDS = 2  # a failed message is tried again after this, not after the minutes of a deployed queue

# A demo and an automated suite sign in and try things far more often than a person would.
LIMITS = {
    "sign_in_account": (10, 60),
    "sign_in_address": (3000, 300),
    "sign_in_tenant": (6000, 300),
    "second_factor": (10, 60),
    "invitation_address": (3000, 3600),
    "renewal": (20, 3600),
    "verification_address": (1000, 600),
    "invitations_tenant": (20000, 86400),
    "invitations_client": (20000, 86400),
    "scheduling_client": (500, 86400),
    "token": (30000, 60),
    "tokens_made": (20000, 86400),
    "password_reset_account": (100, 3600),
    "password_reset_day": (200, 86400),
    "password_reset_address": (3000, 3600),
    "password_reset_tenant": (6000, 3600),
    "email_change_account": (100, 3600),
    "link_address": (3000, 3600),
    "practice_sign_up_address": (3000, 86400),
    "practice_sign_up_email": (3000, 86400),
    "practice_sign_up_stage": (20000, 86400),
    "slug_check_address": (6000, 600),
    "staff_invitations_tenant": (20000, 86400),
    "staff_invitation_address": (3000, 3600),
    "messages_tenant": (100000, 86400),
    "uploads_client": (200, 86400),
    "uploads_staff": (20000, 86400),
    "sign_up_address": (3000, 3600),
    "sign_up_email": (3000, 3600),
    "sign_up_tenant": (20000, 3600),
    "login_link": (50, 86400),
    "payments_invoice": (200, 900),
    "payments_client": (2000, 86400),
    "guest_payments_address": (3000, 3600),
    "pay_links_client": (2000, 86400),
    "prints_person": (3000, 3600),
    "sessions": (200, 0),
}


def environment(
    port: int, *, host: str = "localhost", limits: dict[str, tuple[int, int]] | None = None, hold_seconds: int = 0
) -> None:
    """Set what a deployed function would be told by its environment; `port` is where the server will listen."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_SESSION_TOKEN="local",
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
        # A seed that is made anew empties the queues and, having written its demo mails, the one of mails again.
        MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR="false",
        STAGE=STAGE,
        ORIGIN_KEY=ORIGIN_KEY,
        TABLE_NAME=PREFIX,
        DOCUMENTS_BUCKET=f"{PREFIX}-documents",
        KEYS_BUCKET=f"{PREFIX}-keys",
        MAIL_QUEUE_URL=queue_url("mail"),
        SEALING_QUEUE_URL=queue_url("sealing"),
        JOBS_QUEUE_URL=queue_url("jobs"),
        UPLOADS_QUEUE_URL=queue_url("uploads"),
        PAYMENTS_QUEUE_URL=queue_url("payments"),
        STRIPE_API="" if STRIPE_KEY != STAND_IN else f"http://127.0.0.1:{port}/_stripe",
        PORTAL_ORIGIN=f"http://{host}:{port}",
        # Another origin than the pages', as a bucket's is, though the same server answers.
        DOCUMENTS_ENDPOINT=f"http://127.0.0.1:{port}/_s3",
        MAIL_SENDER=f"no-reply@{MAIL_DOMAIN}",
        DATA_KEY_ID=f"alias/{PREFIX}-data",
        SEAL_KEY_ID=f"alias/{PREFIX}-seal",
        SEAL_CERTIFICATE_KEY=CERTIFICATE,
        SECRETS_NAME=f"client-portal/{STAGE}/secrets",
        STRIPE_SECRET_NAME=f"client-portal/{STAGE}/stripe",
        PRACTICE_SIGN_UP="true",
        OPERATOR_CONTACT=f"hello@{MAIL_DOMAIN}",
        LIMITS=json.dumps(LIMITS | (limits or {})),
        HOLD_SECONDS=str(hold_seconds),
    )


def queue_url(name: str) -> str:
    """The address of a queue, known before the queue exists."""
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{PREFIX}-{name}"


def start() -> None:
    """Put moto in AWS's place for this process. Nothing exists yet: `create` it, or load it (state.py)."""
    moto_fix.install()
    from moto import mock_aws

    from infra.local import faults

    faults.install()
    mock_aws(config={"core": {"reset_boto3_session": True}}).start()


@functools.cache
def client(service: str) -> Any:
    """A client of the local cloud's own, which injected faults leave alone."""
    from infra.local import faults

    # Bytes that were damaged on purpose are handed out as they lie, as S3 does.
    config = Config(response_checksum_validation="when_required")
    made = botocore.session.Session().create_client(service, region_name=REGION, config=config)
    faults.spare(made)
    return made


def create() -> None:
    """Make every resource of the stateful stack, empty."""
    stack = template.load(template.STATEFUL)
    _table(stack)
    _buckets()
    _queues(stack)
    _keys()
    _secret()
    client("sesv2").create_email_identity(EmailIdentity=MAIL_DOMAIN)
    _certificate()


def _table(stack: dict[str, Any]) -> None:
    (properties,) = template.resources(stack, "AWS::DynamoDB::Table").values()
    shape = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb = client("dynamodb")
    dynamodb.create_table(TableName=PREFIX, **{name: properties[name] for name in shape})
    dynamodb.update_time_to_live(TableName=PREFIX, TimeToLiveSpecification=properties["TimeToLiveSpecification"])


def _buckets() -> None:
    s3 = client("s3")
    for name in ("documents", "keys"):
        bucket = f"{PREFIX}-{name}"
        place = {} if REGION == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, **place)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def _queues(stack: dict[str, Any]) -> None:
    sqs = client("sqs")
    deployed = template.resources(stack, "AWS::SQS::Queue")
    for name, logical_id in QUEUES.items():
        dead = sqs.create_queue(QueueName=f"{PREFIX}-{name}-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        tries = deployed[logical_id]["RedrivePolicy"]["maxReceiveCount"]
        sqs.create_queue(
            QueueName=f"{PREFIX}-{name}",
            Attributes={
                "VisibilityTimeout": "60",
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": tries}),
            },
        )


def _keys() -> None:
    kms = client("kms")
    data = kms.create_key(Description="wraps data keys")["KeyMetadata"]["KeyId"]
    seal = kms.create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{PREFIX}-data", TargetKeyId=data)
    kms.create_alias(AliasName=f"alias/{PREFIX}-seal", TargetKeyId=seal)


def _secret() -> None:
    value = {"pepper": secrets.token_urlsafe(48), "token_key": secrets.token_urlsafe(48)}
    name = f"client-portal/{STAGE}/secrets"
    client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))
    stripe = {"key": STRIPE_KEY, "webhook_secret": STRIPE_WEBHOOK_SECRET}
    client("secretsmanager").create_secret(Name=f"client-portal/{STAGE}/stripe", SecretString=json.dumps(stripe))


def _certificate() -> None:
    """The seal's certificate, signed by the seal key itself, where on_sealing looks for it."""
    from chalicelib.adapters.seal import certificate_for

    since = datetime(2025, 11, 1, tzinfo=UTC)  # long ago: the application's clock may be put back, too
    pem = certificate_for(client("kms"), f"alias/{PREFIX}-seal", "Client Portal, local development", since)
    client("s3").put_object(Bucket=f"{PREFIX}-keys", Key=CERTIFICATE, Body=pem)
