"""A mail server that keeps what it takes in a Maildir (serve DIR), and a reader
of that Maildir as a mail program would read it (read DIR)."""

import email.policy
import json
import mailbox
import sys


def serve(place):
    import asyncio

    from aiosmtpd.handlers import Mailbox
    from aiosmtpd.smtp import SMTP

    async def run():
        handler = Mailbox(place)
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()  # until the test ends it

    asyncio.run(run())


def read(place):
    letters = []
    for letter in mailbox.Maildir(place, create=False):
        letter = email.message_from_bytes(bytes(letter), policy=email.policy.default)
        text = letter.get_body(("plain",))
        html = letter.get_body(("html",))
        pictures = {}
        for part in letter.walk():
            if part.get_content_type() == "image/png":
                pictures[part["Content-ID"].strip("<>")] = {
                    "length": len(part.get_payload(decode=True)),
                    "png": part.get_payload(decode=True)[:8] == b"\x89PNG\r\n\x1a\n",
                    "disposition": part.get_content_disposition(),
                }
        letters.append({
            "subject": letter["Subject"], "from": letter["From"], "type": letter.get_content_type(),
            "text": text.get_content(), "html": html.get_content(), "pictures": pictures,
            "defects": [str(d) for part in letter.walk() for d in part.defects],
        })
    print(json.dumps(letters))


if __name__ == "__main__":
    {"serve": serve, "read": read}[sys.argv[1]](sys.argv[2])
