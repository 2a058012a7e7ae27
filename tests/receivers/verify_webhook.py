"""Reads {"secret", "headers", "body", "schema"} and fails unless the library accepts the signature
and the body fits the documented schema."""

import json
import sys

import jsonschema
from standardwebhooks.webhooks import Webhook

asked = json.load(sys.stdin)
event = Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
jsonschema.validate(event if isinstance(event, dict) else json.loads(asked["body"]), asked["schema"])
print("ok")
