"""What is printed from the code, so that it is written once: `make describe` writes it, a test holds it up to date.

frontend/openapi.json from the routes, the key table of chalicelib/models/README.md from the records, the policy table
of chalicelib/policies/README.md from the rules.
"""

import json
import sys
from pathlib import Path

from infra.local import cloud

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- printed by infra/describe.py: begin -->", "<!-- end -->"


def described() -> dict[Path, str]:
    """Every printed file with what it should hold now."""
    models, policies = ROOT / "chalicelib/models/README.md", ROOT / "chalicelib/policies/README.md"
    return {
        ROOT / "frontend/openapi.json": openapi(),
        models: _between(models.read_text(), key_table()),
        policies: _between(policies.read_text(), policy_table()),
    }


def openapi() -> str:
    """The API's description."""
    from chalicelib.handlers import openapi as description

    return json.dumps(description.document(), indent=1, sort_keys=True) + "\n"


def key_table() -> str:
    """Where each kind of record stands."""
    from chalicelib import models  # noqa: F401  # registers every kind
    from chalicelib.models.table import TENANT, Record

    lines = ["| Record | Partition | Sort key | Index |", "|---|---|---|---|"]
    for kind in sorted(Record.kinds().values(), key=lambda each: (each.__module__, each.__name__)):
        for key in kind.keys().values():
            partition = key.partition.replace(TENANT, "T")
            lines.append(f"| {kind.__name__} | `{partition}` | `{key.sort}` | {key.index} |")
    return "\n".join(lines)


def policy_table() -> str:
    """Who may do what."""
    from chalicelib.policies.rules import RULES

    lines = ["| Action | Feature | Administrator | Therapist | Client | Contact |", "|---|---|---|---|---|---|"]
    for action, rule in sorted(RULES.items()):
        if rule.anyone:
            lines.append(f"| `{action}` | | *anyone* | *anyone* | *anyone* | *anyone* |")
            continue
        roles = (rule.administrator, rule.therapist, rule.client, rule.contact)
        reach = " | ".join("" if role.value == 0 else role.name.lower() for role in roles)
        lines.append(f"| `{action}` | {rule.feature or ''} | {reach} |")
    return "\n".join(lines)


def _between(text: str, printed: str) -> str:
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{printed}\n{END}{tail}"


def main() -> int:
    """Write every printed file."""
    for path, text in described().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    cloud.environment(8000)
    sys.exit(main())
