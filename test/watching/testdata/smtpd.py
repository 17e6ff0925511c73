"""A real mail server for tests: aiosmtpd, not ours.

    smtpd.py [PORT]

Prints its port, then a line of JSON for each mail that it has taken, with the
time at which it did. SMTPD_TAKES are the seconds until it says so.
"""

import asyncio
import json
import logging
import os
import sys
import time
import warnings

from aiosmtpd.smtp import SMTP

warnings.simplefilter("ignore")
logging.disable()


class Handler:
    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode("utf-8", "replace")
        print(json.dumps({"to": envelope.rcpt_tos, "at": time.time(), "text": text}), flush=True)
        await asyncio.sleep(float(os.environ.get("SMTPD_TAKES", 0)))
        return "250 OK"


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler()), "127.0.0.1", port, reuse_address=True)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
