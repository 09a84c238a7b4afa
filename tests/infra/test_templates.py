"""What would be deployed, read from the packaged templates and code: what no emulator shows must be written there."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import package, template

ROOT = package.ROOT
REGION_NAMES = ("us-east-", "us-west-", "eu-west-", "eu-central-", "ca-central-", "ap-southeast-", "mars-west")
FUNCTIONS = {"APIHandler", "OnMail", "OnMailEvent", "OnSealing", "OnJob", "OnUpload", "OnPayment", "OnSchedule"}
CONSUMERS = {
    "OnMail": "mail",
    "OnMailEvent": "mail-events",
    "OnSealing": "sealing",
    "OnJob": "jobs",
    "OnUpload": "uploads",
    "OnPayment": "payments",
}


@pytest.fixture(scope="module")
def packaged() -> Path:
    """The package of dev in us-east-1: the one that `make test` just made, or a fresh one when a source is newer."""
    folder = package.BUILD / "dev.us-east-1"
    made = folder / "deployment.zip"
    sources = [ROOT / "app.py", ROOT / "requirements.txt", *(ROOT / ".chalice").glob("*.json")]
    sources += [*(ROOT / "chalicelib").rglob("*.py"), *(ROOT / "chalicelib").rglob("*.json")]
    sources += [*(ROOT / "infra").glob("*.*"), *(ROOT / "infra" / "regions").glob("*.json")]
    if not made.exists() or any(each.stat().st_mtime > made.stat().st_mtime for each in sources):
        package.package("dev", "us-east-1")
    return folder


@pytest.fixture(scope="module")
def functions(packaged: Path) -> dict[str, Any]:
    """The functions' stack."""
    document: dict[str, Any] = json.loads((packaged / "sam.json").read_text())
    return document


@pytest.fixture(scope="module")
def stateful(packaged: Path) -> dict[str, Any]:
    """The stack that keeps everything."""
    return template.load(packaged / "stateful.yaml")


def _statements(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in template.resources(document, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class TestFunctions:
    def test_there_is_one_per_kind_of_work_each_with_its_own_role(self, functions: dict[str, Any]) -> None:
        found = template.resources(functions, "AWS::Serverless::Function")
        assert set(found) == FUNCTIONS
        roles = [json.dumps(each["Role"]) for each in found.values()]
        assert len(set(roles)) == len(FUNCTIONS)
        assert not any("Policies" in each for each in found.values())

    def test_no_role_may_do_anything_it_does_not_name(self, functions: dict[str, Any]) -> None:
        for role, statement in _statements(functions):
            assert statement["Effect"] == "Allow"
            for action in _as_list(statement["Action"]):
                assert "*" not in action, (role, action)
            for resource in _as_list(statement["Resource"]):
                assert resource != "*", (role, statement)

    @pytest.mark.parametrize(
        ("action", "roles"),
        [
            ("kms:Sign", {"OnSealing"}),
            ("ses:SendEmail", {"OnMail"}),
            ("ses:GetEmailIdentity", {"APIHandler"}),
            # The API: a new organization's data key only.
            ("s3:PutObject", {"OnSealing", "OnUpload", "OnJob", "APIHandler"}),
            ("kms:GenerateDataKeyWithoutPlaintext", {"APIHandler"}),
            ("s3:DeleteObjectVersion", {"OnUpload", "OnSchedule"}),
            ("s3:PutObjectRetention", {"OnSealing", "OnSchedule"}),  # and what was signed on paper
            ("dynamodb:Scan", set()),
            ("s3:DeleteObject", set()),
            ("s3:BypassGovernanceRetention", set()),
            ("kms:Encrypt", set()),
        ],
    )
    def test_who_may(self, functions: dict[str, Any], action: str, roles: set[str]) -> None:
        may = {role.removesuffix("Role") for role, each in _statements(functions) if action in _as_list(each["Action"])}
        may = {"".join(part.capitalize() for part in name.split("_")) for name in may}
        assert {name.lower() for name in may} == {name.lower() for name in roles}

    def test_what_was_signed_is_out_of_reach_of_uploads(self, functions: dict[str, Any]) -> None:
        """The API signs forms for the quarantine only; nobody who handles uploads touches a sealed document."""
        reach: dict[str, set[str]] = {}
        for role, statement in _statements(functions):
            if {"s3:PutObject", "s3:DeleteObjectVersion"} & set(_as_list(statement["Action"])):
                places = {json.dumps(each).rpartition(', "')[2].split('"')[0] for each in statement["Resource"]}
                reach.setdefault(role.removesuffix("Role"), set()).update(places)
        uploads = {"/quarantine/*", "/tenants/*/uploads/*"}
        assert reach.pop("OnSealing") == {"/tenants/*", "/packets/*"}  # and PDFs to print, for a day
        assert reach.pop("OnJob") == {"/packets/*/exports/*"}  # tables of money, for a day
        new_keys = "/tenants/*/data-key.v1"  # in another bucket, and only where there is none
        api = {"/quarantine/*", "/packets/*", new_keys}
        assert reach == {"ApiHandler": api, "OnUpload": uploads, "OnSchedule": uploads}

    def test_only_who_speaks_with_stripe_has_its_key(self, functions: dict[str, Any]) -> None:
        may = {role.removesuffix("Role") for role, each in _statements(functions) if "StripeSecret" in json.dumps(each)}
        assert may == {"ApiHandler", "OnPayment"}

    def test_money_that_does_not_fit_alarms(self, functions: dict[str, Any]) -> None:
        (metric,) = template.resources(functions, "AWS::Logs::MetricFilter").values()
        assert metric["FilterPattern"] == '{ $.level = "ERROR" }'
        assert metric["LogGroupName"] == {"Ref": "OnPaymentLogs"}
        alarms = template.resources(functions, "AWS::CloudWatch::Alarm")
        named = metric["MetricTransformations"][0]["MetricName"]
        assert alarms["OnPaymentErrorsAlarm"]["MetricName"] == named
        assert alarms["OnPaymentErrorsAlarm"]["Threshold"] == 0

    def test_queues_answer_by_message(self, functions: dict[str, Any]) -> None:
        for name, queue in CONSUMERS.items():
            (event,) = template.resources(functions, "AWS::Serverless::Function")[name]["Events"].values()
            source = event["Properties"]
            assert event["Type"] == "SQS"
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            assert source["Queue"]["Fn::Sub"].endswith(f":client-portal-${{Stage}}-{queue}")
            assert source["ScalingConfig"]["MaximumConcurrency"] >= 2

    def test_due_work_is_looked_at_every_minute(self, functions: dict[str, Any]) -> None:
        (event,) = template.resources(functions, "AWS::Serverless::Function")["OnSchedule"]["Events"].values()
        assert event["Properties"]["Schedule"] == "rate(1 minute)"

    def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_run(
        self, functions: dict[str, Any], stateful: dict[str, Any]
    ) -> None:
        found = template.resources(functions, "AWS::Serverless::Function")
        parameters = {
            "OnMail": "Mail",
            "OnMailEvent": "MailEvents",
            "OnSealing": "Sealing",
            "OnJob": "Jobs",
            "OnUpload": "Uploads",
            "OnPayment": "Payments",
        }
        for name, parameter in parameters.items():
            seconds = stateful["Parameters"][f"{parameter}VisibilitySeconds"]
            assert seconds["Default"] >= seconds["MinValue"] >= 6 * found[name]["Timeout"]

    def test_the_api_answers_before_the_gateway_gives_up(self, functions: dict[str, Any]) -> None:
        api = template.resources(functions, "AWS::Serverless::Function")["APIHandler"]
        assert api["Timeout"] < 29
        assert api["MemorySize"] >= 1024

    def test_every_setting_comes_from_a_parameter_or_the_other_stack(
        self, functions: dict[str, Any], stateful: dict[str, Any]
    ) -> None:
        told = functions["Globals"]["Function"]["Environment"]["Variables"]
        more = {"LIMITS", "ORIGIN_KEY", "PRACTICE_SIGN_UP", "CLAMD_ADDRESS", "HOLD_SECONDS", "OPERATOR_CONTACT"}
        assert set(told) == set(package.PLACEHOLDERS) | more
        assert "package.example" not in json.dumps(functions)
        exported = {each["Export"]["Name"]["Fn::Sub"] for each in stateful["Outputs"].values()}
        assert set(_imports(functions)) <= exported
        assert not any(
            "Environment" in each for each in template.resources(functions, "AWS::Serverless::Function").values()
        )

    def test_settings_are_all_told(self, functions: dict[str, Any]) -> None:
        from chalicelib.config import Settings

        told = set(functions["Globals"]["Function"]["Environment"]["Variables"])
        needed = {name.upper() for name, each in Settings.model_fields.items() if each.is_required()}
        assert needed - told == {"AWS_REGION"}  # Lambda sets it
        assert told <= {name.upper() for name in Settings.model_fields}

    def test_the_gateways_own_answers_are_problems(self, functions: dict[str, Any]) -> None:
        api = template.resources(functions, "AWS::Serverless::Api")["RestAPI"]
        responses = api["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
        assert {"DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE"} <= set(responses)
        for each in responses.values():
            problem = json.loads(each["responseTemplates"]["application/json"])
            assert problem["status"] == int(each["statusCode"])
            assert problem["code"]
            headers = each["responseParameters"]
            assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
            assert "gatewayresponse.header.Strict-Transport-Security" in headers
        assert api["EndpointConfiguration"] == "REGIONAL" or api["EndpointConfiguration"]["Type"] == "REGIONAL"

    def test_every_path_refuses_other_methods(self, functions: dict[str, Any]) -> None:
        paths = template.resources(functions, "AWS::Serverless::Api")["RestAPI"]["DefinitionBody"]["paths"]
        assert "/session" in paths
        for path, methods in paths.items():
            other = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["responses"]["default"]
            assert other["statusCode"] == "405", path
            assert json.loads(other["responseTemplates"]["application/json"])["code"] == "method_not_allowed"
            assert not path.startswith("/api"), "CloudFront maps /api to the stage; routes carry none"

    def test_logs_are_kept_for_a_time(self, functions: dict[str, Any]) -> None:
        groups = template.resources(functions, "AWS::Logs::LogGroup")
        assert len(groups) == len(FUNCTIONS)
        assert all(each["RetentionInDays"] == 90 for each in groups.values())


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Fn::ImportValue":
                yield inner["Fn::Sub"]
            else:
                yield from _imports(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _imports(inner)


class TestStateful:
    def test_the_table(self, stateful: dict[str, Any]) -> None:
        (table,) = template.resources(stateful, "AWS::DynamoDB::Table").values()
        assert table["SSESpecification"] == {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": {"Fn::GetAtt": ["StorageKey", "Arn"]},
        }
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert table["DeletionProtectionEnabled"] is True
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        indexes = {each["IndexName"]: each["Projection"]["ProjectionType"] for each in table["GlobalSecondaryIndexes"]}
        assert indexes == {"gsi1": "ALL", "gsi2": "KEYS_ONLY", "due": "KEYS_ONLY"}

    def test_buckets_are_private_versioned_lockable_and_encrypted(self, stateful: dict[str, Any]) -> None:
        buckets = template.resources(stateful, "AWS::S3::Bucket")
        assert set(buckets) == {"Documents", "Keys"}
        for bucket in buckets.values():
            assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
            assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
            assert bucket["ObjectLockEnabled"] is True
            assert "Rule" not in bucket["ObjectLockConfiguration"], "each document's lock is set when it is sealed"
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert "CorsConfiguration" not in buckets["Keys"]
        (cors,) = buckets["Documents"]["CorsConfiguration"]["CorsRules"]
        assert cors["AllowedOrigins"] == [{"Ref": "PortalOrigin"}]

    def test_buckets_speak_tls_only(self, stateful: dict[str, Any]) -> None:
        policies = template.resources(stateful, "AWS::S3::BucketPolicy").values()
        assert {each["Bucket"]["Ref"] for each in policies} == {"Documents", "Keys"}
        for policy in policies:
            statements = policy["PolicyDocument"]["Statement"]
            assert all(each["Effect"] == "Deny" for each in statements)
            assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in statements]

    def test_every_queue_has_dead_letters_and_an_alarm_on_them(self, stateful: dict[str, Any]) -> None:
        queues = template.resources(stateful, "AWS::SQS::Queue")
        alarmed = {
            alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
            for alarm in template.resources(stateful, "AWS::CloudWatch::Alarm").values()
            if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible" and alarm["AlarmActions"]
        }
        working = {name: each for name, each in queues.items() if "RedrivePolicy" in each}
        assert len(working) * 2 == len(queues) == 12
        for queue in working.values():
            redrive = queue["RedrivePolicy"]
            assert redrive["maxReceiveCount"] == 5
            assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in alarmed
        assert all("KmsMasterKeyId" in each for each in queues.values())

    def test_what_must_not_be_lost_is_kept_when_the_stack_goes(self, stateful: dict[str, Any]) -> None:
        lasting = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret")
        for name, resource in stateful["Resources"].items():
            if resource["Type"] in lasting:
                assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name

    def test_keys(self, stateful: dict[str, Any]) -> None:
        keys = template.resources(stateful, "AWS::KMS::Key")
        assert (keys["SealKey"]["KeySpec"], keys["SealKey"]["KeyUsage"]) == ("RSA_3072", "SIGN_VERIFY")
        assert all(each["EnableKeyRotation"] for name, each in keys.items() if name != "SealKey")

    def test_mail_events_bring_no_address_into_a_queue(self, stateful: dict[str, Any]) -> None:
        (rule,) = template.resources(stateful, "AWS::Events::Rule").values()
        (target,) = rule["Targets"]
        assert set(target["InputTransformer"]["InputPathsMap"].values()) == {
            "$.detail.eventType",
            "$.detail.mail.messageId",
            "$.detail.bounce.bounceType",
        }


class TestEverywhere:
    def test_no_template_knows_a_region_or_an_account(self, packaged: Path) -> None:
        for name in ("sam.json", "stateful.yaml"):
            text = (packaged / name).read_text()
            assert not [each for each in REGION_NAMES if each in text]
            assert "123456789012" not in text

    def test_nor_does_the_code(self) -> None:
        for path in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")]:
            assert not [each for each in REGION_NAMES if each in path.read_text()], path

    def test_cfn_lint_in_several_regions(self, packaged: Path) -> None:
        regions = ["us-east-1", "us-west-2", "ca-central-1", "eu-west-1", "eu-central-1", "ap-southeast-2"]
        package.lint(packaged, regions)


class TestCode:
    def test_nothing_local_is_in_the_package(self, packaged: Path) -> None:
        with zipfile.ZipFile(packaged / "deployment.zip") as packed:
            names = packed.namelist()
            assert not [each for each in names if each.startswith(("infra/", "tests/", "frontend/", "moto/", "boto3/"))]
            own = [
                each for each in names if each.startswith(("app.py", "chalicelib/")) and each.endswith((".py", ".json"))
            ]
            assert len(own) > 20
            for name in own:
                text = packed.read(name)
                assert b"_local" not in text.replace(b"thread_local", b""), name
                assert b"lantern" not in text, name

    def test_byte_code_is_there_and_never_checked(self, packaged: Path) -> None:
        with zipfile.ZipFile(packaged / "deployment.zip") as packed:
            names = set(packed.namelist())
            tag = sys.implementation.cache_tag
            for source in [each for each in names if each.startswith("chalicelib/") and each.endswith(".py")]:
                folder, _, file = source.rpartition("/")
                compiled = f"{folder}/__pycache__/{file.removesuffix('.py')}.{tag}.pyc"
                assert packed.read(compiled)[4:8] == (0b01).to_bytes(4, "little"), source
                assert str(ROOT).encode() not in packed.read(compiled)
            assert {each.date_time for each in packed.infolist()} == {package.LONG_AGO}

    def test_it_fits_into_lambda_and_runs_on_nothing_else(self, packaged: Path, tmp_path: Path) -> None:
        with zipfile.ZipFile(packaged / "deployment.zip") as packed:
            assert sum(each.file_size for each in packed.infolist()) < 250 * 1024 * 1024
            packed.extractall(tmp_path)
        program = (
            "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
            f"sys.path.insert(0, {str(tmp_path)!r})\n"
            "import chalicelib.handlers.events\n"
            "assert 'app' not in sys.modules\n"
            "import app, pyhanko.sign, reportlab.pdfgen.canvas, uharfbuzz, stripe, argon2\n"
            "from chalicelib.adapters import aws, pdf, seal\n"
            "for service in ('dynamodb', 's3', 'sqs', 'sesv2', 'kms', 'secretsmanager'): aws.client(service)\n"
            "print(len(app.app.routes))"
        )
        environment = {**package.PLACEHOLDERS, "AWS_REGION": "x-test-1", "AWS_DEFAULT_REGION": "x-test-1"}
        done = subprocess.run(
            [sys.executable, "-I", "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) > 10

    def test_heavy_libraries_stay_out_of_the_api(self) -> None:
        program = (
            "import sys, app\n"
            "heavy = {'stripe', 'reportlab', 'pyhanko', 'aiohttp', 'aws_xray_sdk', 'boto3', 's3transfer', 'moto'}\n"
            "print(*sorted(heavy & set(sys.modules)))"
        )
        environment = {**package.PLACEHOLDERS, "AWS_REGION": "x-test-1"}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == []
