"""MiniStack's application, with two differences from AWS removed.

Its own EventBridge scheduler follows the machine's time. The gateway fires schedules by the local cloud's clock; with
both, each would fire twice.

AWS takes the client token of CreateSecret as the id of the first version (Secrets Manager API reference, CreateSecret,
ClientRequestToken). MiniStack draws an id of its own there, though not in PutSecretValue.
"""

from ministack.services import eventbridge, secretsmanager

eventbridge.start_scheduler = lambda: None

create_secret = secretsmanager._create_secret
store_new_secret = secretsmanager._store_new_secret


def create_secret_with_version(data):
    token = data.get("ClientRequestToken")

    def store(name, **fields):
        arn, version = store_new_secret(name, **fields)
        if not token:
            return arn, version
        versions = secretsmanager._secrets[name]["Versions"]
        versions[token] = versions.pop(version)
        return arn, token

    secretsmanager._store_new_secret = store
    try:
        return create_secret(data)
    finally:
        secretsmanager._store_new_secret = store_new_secret


secretsmanager._create_secret = create_secret_with_version

from ministack.app import app  # noqa: E402,F401
