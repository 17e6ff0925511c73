"""Real mail servers for tests: aiosmtpd, not ours.

    smtpd.py CERT KEY USER PASSWORD

Prints the port of each server as JSON, then a line for each connection and
each mail. None takes mail for never@, or from bad@; mail for later…@ is taken
at the second time, that for latergone…@ never.
"""

import asyncio
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

warnings.simplefilter("ignore")
logging.disable()
cert, key, user, password = sys.argv[1:]


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(cert, key)
    return made


def tell(**what):
    print(json.dumps(what), flush=True)


class Handler:
    def __init__(self, implicit):
        self.implicit = implicit
        self.asked = set()

    async def handle_EHLO(self, server, session, envelope, hostname):
        session.host_name = hostname
        tell(event="ehlo")
        return "250 HELP"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("bad@"):
            return "550 5.7.1 not from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never@"):
            return "550 5.1.1 no such person"
        if address.startswith("later") and address not in self.asked:
            self.asked.add(address)
            return "451 4.7.1 greylisted"
        if address.startswith("latergone"):
            return "550 5.1.1 no such person any more"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        tell(
            event="mail",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            text=envelope.content.decode("utf-8", "replace"),
            tls=session.ssl is not None or self.implicit,
            user=session.auth_data.login.decode() if session.auth_data else "",
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == user.encode() and data.password == password.encode()
    return AuthResult(success=good, handled=good, auth_data=data)


async def serve(implicit=False, **options):
    handler = Handler(implicit)
    if options.pop("auth", False):
        options.update(authenticator=authenticate, auth_required=True)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, **options), "127.0.0.1", 0, ssl=context() if implicit else None
    )
    return server.sockets[0].getsockname()[1]


async def main():
    tell(
        plain=await serve(),
        auth=await serve(auth=True, auth_require_tls=False),
        starttls=await serve(tls_context=context()),
        starttls_auth=await serve(tls_context=context(), auth=True),
        tls=await serve(implicit=True),
        tls_auth=await serve(implicit=True, auth=True, auth_require_tls=False),
    )
    await asyncio.Event().wait()


asyncio.run(main())
