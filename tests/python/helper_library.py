"""Mints and decodes tokens with the partner's official helper library.

Reads one JSON object from standard input and writes one to standard output:
  {"mint": [options, ...]}                     -> ["token", ...]
  {"decode": [{"kind", "token", "secret"}...]} -> [{"headers", "payload"}, ...]
"""

import json
import sys
from unittest import mock

from twilio.jwt import Jwt
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant, VoiceGrant
from twilio.jwt.client import ClientCapabilityToken


def validity(options):
    """nbf: absent means the library's default, null means none."""
    return {"nbf": options.get("nbf", Jwt.GENERATE), "ttl": options["ttl"]}


def access(options):
    token = AccessToken(
        options["account_sid"],
        options["key_sid"],
        options["secret"],
        identity=options.get("identity"),
        region=options.get("region"),
        **validity(options),
    )
    if options.get("voice") is not None:
        token.add_grant(VoiceGrant(**options["voice"]))
    if options.get("chat"):
        token.add_grant(ChatGrant(service_sid=options["chat"]))
    return token


def capability(options):
    token = ClientCapabilityToken(options["account_sid"], options["secret"], **validity(options))
    for scope in options["scopes"]:
        if scope == "outgoing":
            token.allow_client_outgoing(options["application_sid"], **options.get("params", {}))
        elif scope == "incoming":
            token.allow_client_incoming(options["identity"])
        else:
            token.allow_event_stream()
    return token


def mint(options):
    """Mints at the asked moment, so that both sides can be compared to the letter."""
    kinds = {"access": access, "capability": capability}
    with mock.patch("time.time", return_value=options["now"]):
        return kinds[options["kind"]](options).to_jwt()


def decode(asked):
    kinds = {"access": AccessToken, "capability": ClientCapabilityToken}
    token = kinds[asked["kind"]].from_jwt(asked["token"], asked["secret"])
    return {"headers": token.headers, "payload": token.payload}


def main():
    asked = json.load(sys.stdin)
    json.dump([mint(options) for options in asked["mint"]] if "mint" in asked else [decode(one) for one in asked["decode"]], sys.stdout)


main()
