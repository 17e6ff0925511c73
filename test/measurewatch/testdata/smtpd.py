# A mail server that takes everything, and says when and about what.
import email, email.policy, sys, time

from aiosmtpd.controller import Controller


class Taker:
    async def handle_DATA(self, server, session, envelope):
        at = time.time_ns()
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(at, " ".join(message["Subject"].split()), flush=True)
        return "250 taken"


Controller(Taker(), hostname="127.0.0.1", port=int(sys.argv[1])).start()
print("ready", flush=True)
while True:
    time.sleep(60)
