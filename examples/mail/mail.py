"""Mail through the queue: whoever wants to send one pushes a job, a worker talks to the mail server.

Run the worker here:  penstock worker --app mail
Send one:             penstock push send_mail --app mail --param to=ann@example.org --param subject=Hello --param text=…
"""

import os
import smtplib
from email.message import EmailMessage

from penstock import Bury, Context, Job, Retry

SERVER = os.environ.get("SMTP_HOST", "127.0.0.1")
PORT = int(os.environ.get("SMTP_PORT", "25"))
SENDER = os.environ.get("MAIL_FROM", "penstock@example.org")


class SendMail(Job, type="send_mail", max_attempts=5, timeout=60):
    """One mail to one recipient, so that a wrong address holds up nobody else's."""

    to: str
    subject: str
    text: str

    def run(self, context: Context) -> dict[str, str]:
        """Hand the mail to the server; a permanent refusal is not tried again."""
        try:
            message = self.message(context.idempotency_key)
        except ValueError as error:  # a line break in an address or a subject
            raise Bury(f"no mail can be made of this: {error}") from error
        try:
            with smtplib.SMTP(SERVER, PORT, timeout=20) as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            [answer] = refused.recipients.values()  # by the bare address: not always as `to` has it
            raise _judged(*answer) from refused
        except smtplib.SMTPResponseException as refused:
            raise _judged(refused.smtp_code, refused.smtp_error) from refused
        return {"message_id": message["Message-ID"]}

    def message(self, key: str) -> EmailMessage:
        """The mail. Its id is the same at each attempt, so that one sent twice can be told from two mails."""
        message = EmailMessage()
        message["From"] = SENDER
        message["To"] = self.to
        message["Subject"] = self.subject
        message["Message-ID"] = f"<{key}@{SENDER.partition('@')[2]}>"
        message.set_content(self.text)
        return message


def _judged(code: int, text: bytes | str) -> Bury | Retry:
    """What the server's answer means: 5xx is for ever, 4xx (a full mailbox, greylisting) for now."""
    told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if code >= 500:
        return Bury(f"{code} {told}")
    return Retry(f"{code} {told}", after=300)
