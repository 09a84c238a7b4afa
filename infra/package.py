"""`python -m infra.package STAGE REGION [--lint REGION …]`: what would be deployed, into .build/STAGE.REGION/.

    sam.json          the functions' stack: Chalice's template with infra/merge.yaml over it
    deployment.zip    the code, with byte code that is never checked against the source; the same bytes every time
    stateful.yaml     the stack that keeps everything, and parameters.json for both

No credentials and no account are needed; pip fetches the wheels for Lambda's Linux. cfn-lint judges both templates.
"""

import argparse
import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from infra import template

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".build"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # as Chalice dates its own entries, so that equal content makes equal bytes

# Chalice's command line and its tools come along with Chalice; no function imports them.
TOOLS = "_distutils_hack ansicon blessed click editor inquirer jinxed pip pkg_resources readchar runs setuptools wheel"
AWS_SERVICES = ("dynamodb", "kms", "s3", "secretsmanager", "sesv2", "sqs", "sts")  # the clients that the code makes

# What the code asks of its environment while Chalice imports it to find the routes. None of it reaches the template:
# the functions get theirs from infra/merge.yaml.
PLACEHOLDERS = {
    "STAGE": "package",
    "TABLE_NAME": "package",
    "DOCUMENTS_BUCKET": "package",
    "KEYS_BUCKET": "package",
    "MAIL_QUEUE_URL": "package",
    "SEALING_QUEUE_URL": "package",
    "JOBS_QUEUE_URL": "package",
    "UPLOADS_QUEUE_URL": "package",
    "PAYMENTS_QUEUE_URL": "package",
    "PORTAL_ORIGIN": "https://package.example",
    "MAIL_SENDER": "package@package.example",
    "DATA_KEY_ID": "package",
    "SEAL_KEY_ID": "package",
    "SEAL_CERTIFICATE_KEY": "package",
    "SECRETS_NAME": "package",
    "STRIPE_SECRET_NAME": "package",
}


def package(stage: str, region: str, out: Path | None = None) -> Path:
    """Package one stage for one region; the folder that holds the result."""
    parameters = ROOT / "infra" / "regions" / f"{stage}.{region}.json"
    if not parameters.exists():
        raise SystemExit(f"There is no {parameters.relative_to(ROOT)}: copy another region's and fill it in.")
    folder = out or BUILD / f"{stage}.{region}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _chalice(stage, region, folder)
    _finish_template(folder / "sam.json")
    _compile(folder / "deployment.zip")
    shutil.copy(template.STATEFUL, folder / "stateful.yaml")
    shutil.copy(parameters, folder / "parameters.json")
    return folder


def _chalice(stage: str, region: str, folder: Path) -> None:
    environment = {**os.environ, **PLACEHOLDERS, "AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    environment.pop("PYTHONPATH", None)
    merge = folder / "merge.json"
    merge.write_text(json.dumps(template.load(ROOT / "infra" / "merge.yaml")))
    command = [
        str(Path(sys.executable).with_name("chalice")),
        "package",
        "--stage",
        stage,
        "--pkg-format",
        "cloudformation",
    ]
    command += ["--template-format", "json", "--merge-template", str(merge), str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    merge.unlink()
    if done.returncode:
        raise SystemExit(f"chalice package failed:\n{done.stdout}{done.stderr}")


def _finish_template(path: Path) -> None:
    """What a merge cannot say: only Globals have an environment; an unknown method is a 405, as it is locally."""
    document = json.loads(path.read_text())
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("Environment", None)
    for route in document["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"].values():
        route["x-amazon-apigateway-any-method"] = _no_such_method(sorted(m.upper() for m in route if m != "options"))
    path.write_text(json.dumps(document, indent=1))


def _no_such_method(methods: list[str]) -> dict[str, Any]:
    """An answer that API Gateway gives by itself, without a function."""
    problem = {
        "type": "about:blank",
        "title": "This address does not take that method.",
        "status": 405,
        "code": "method_not_allowed",
    }
    text = json.dumps(problem)[:-1] + ', "instance": "urn:request:$context.requestId"}'
    headers = {"Allow": ", ".join(methods), "Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    text_type = {"type": "string"}
    shown = {f"method.response.header.{name}": f"'{value}'" for name, value in headers.items()}
    return {
        "responses": {"405": {"description": "No such method", "headers": {name: text_type for name in headers}}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "when_no_match",
            "requestTemplates": {"application/json": '{"statusCode": 405}'},
            "responses": {
                "default": {
                    "statusCode": "405",
                    "responseParameters": shown,
                    "responseTemplates": {"application/json": text},
                }
            },
        },
    }


def _compile(archive: Path) -> None:
    """Put byte code beside the sources: without it every cold start compiles for about 0.7 s."""
    with tempfile.TemporaryDirectory() as temporary:
        code = Path(temporary)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(code)
        _prune(code)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        # stripdir keeps this machine's temporary folder out of the byte code.
        compileall.compile_dir(
            code,
            maxlevels=50,
            quiet=2,
            workers=2,
            invalidation_mode=mode,
            stripdir=temporary,
            prependdir="/var/task",
        )
        _zip(code, archive)


def _prune(code: Path) -> None:
    """Take out what no function uses: half of the package, and so half of the time to load it."""
    for name in TOOLS.split():
        shutil.rmtree(code / name, ignore_errors=True)
    for service in (each for each in (code / "botocore" / "data").iterdir() if each.is_dir()):
        if service.name not in AWS_SERVICES:
            shutil.rmtree(service)
    for folder in [each for each in code.rglob("*") if each.is_dir() and each.name in ("__pycache__", "tests", "test")]:
        shutil.rmtree(folder, ignore_errors=True)
    for record in code.glob("*.dist-info/RECORD"):
        record.unlink()


def _zip(folder: Path, archive: Path) -> None:
    """Pack in one order, with one date and one mode."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if path.suffix == ".so" else 0o644) << 16
            packed.writestr(entry, path.read_bytes())


def lint(folder: Path, regions: list[str]) -> None:
    """cfn-lint both templates for these regions; stops with what it says."""
    for name in ("stateful.yaml", "sam.json"):
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--non-zero-exit-code", "warning"]
        done = subprocess.run(
            [*command, "-t", str(folder / name), "-r", *regions], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"cfn-lint {name}:\n{done.stdout}{done.stderr}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Package one stage for one region.")
    parser.add_argument("stage")
    parser.add_argument("region")
    parser.add_argument("--lint", nargs="+", metavar="REGION", default=[])
    asked = parser.parse_args()
    folder = package(asked.stage, asked.region)
    if asked.lint:
        lint(folder, asked.lint)
    size = (folder / "deployment.zip").stat().st_size / 1e6
    print(f"{folder.relative_to(ROOT)}: sam.json, stateful.yaml, deployment.zip ({size:.0f} MB)")


if __name__ == "__main__":
    main()
