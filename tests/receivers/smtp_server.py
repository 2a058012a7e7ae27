"""A real mail server for tests/receivers.rs.

usage: smtp_server.py plain|starttls|tls FOLDER

Writes FOLDER/ca.pem, prints {"port": N}, then one JSON line for each mail it takes. With TLS it
asks for user "ringcheck" and password "correct horse". Addresses decide what happens:
later@ 451, never@ 550, hang@ no answer, drop@ the mail is taken and the connection cut.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult


def tell(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        tell(rcpt=address)
        if local == "later":
            return "451 4.2.1 mailbox busy"
        if local == "never":
            return "550 5.1.1 no such mailbox"
        if local == "hang":
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [(part.get_content_type(), part.get_content()) for part in mail.iter_parts()]
        tell(
            mail=envelope.rcpt_tos,
            envelope_from=envelope.mail_from,
            encrypted=bool(session.ssl) or server.over_tls,
            user=session.auth_data.login.decode() if session.authenticated else None,
            type=mail.get_content_type(),
            headers={name: str(value) for name, value in mail.items()},
            parts=parts,
            bytes=len(envelope.content),
        )
        if envelope.rcpt_tos[0].startswith("drop@"):
            server.transport.abort()
        return "250 2.0.0 queued as 4711"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"ringcheck", b"correct horse"), handled=False, auth_data=data)


def mark():
    """Whoever writes a line gets a mark after all that was told before."""
    if not sys.stdin.readline():
        sys.exit()
    tell(mark=True)


async def main(mode, folder):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(f"{folder}/ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)

    def protocol():
        secure = {"authenticator": authenticate, "auth_required": True}
        settings = {
            "plain": {},
            "starttls": {"tls_context": context, "require_starttls": True, **secure},
            "tls": {"auth_require_tls": False, **secure},
        }[mode]
        server = SMTP(Handler(), hostname="mail.example.com", **settings)
        server.over_tls = mode == "tls"
        return server

    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), mark)
    listener = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    tell(port=listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


asyncio.run(main(sys.argv[1], sys.argv[2]))
