"""Mail: what policy.toml may say of it, and messages to a real server on this machine."""

import datetime as dt
import tomllib
from email.message import EmailMessage
from pathlib import Path

import pytest

from geo.errors import DataError
from hexbeat.mail import MailSettings, build_message, parse_mail_settings, read_password, requires_tls, send_message
from layers.roles import Role
from tests.support.mail_server import mail_server, write_certificate

WHOLE = """
server = "mail.example.gov.uk"
sender = "hexbeat@example.gov.uk"
user = "hexbeat"
password_file = "mail-password"
[addresses]
"duty@example.police.uk" = "police"
"team@example.gov.uk" = "council"
"""
RULE = "policy.toml says in [mail] how a briefing is sent, and to whom"
HINT = "see 'A briefing every morning' in docs/running.md"
SECRET = "correct horse"  # noqa: S105 - of a server that ends with the test
SEND = "A briefing is sent by the mail server that policy.toml names"


def build_settings(port: int, *, user: str = "", tls: bool = False, address: str = "duty@example.org") -> MailSettings:
    file = "mail-password" if user else ""
    addresses = ((address, Role.POLICE),)
    return MailSettings("localhost", port, "hexbeat@example.org", addresses, user=user, password_file=file, tls=tls)


def build_example(settings: MailSettings) -> EmailMessage:
    return build_message(
        settings,
        settings.addresses[0][0],
        subject="Hexbeat briefing, 23 Nov 2026",
        text="The page is attached.\n",
        pdf=b"%PDF-1.7 \x00\xff a page",
        name="briefing-meeting-2026-11-23.pdf",
        made_at=dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC),
    )


def test_the_settings_of_mail_are_read() -> None:
    settings = parse_mail_settings(tomllib.loads(WHOLE))
    assert settings == MailSettings(
        "mail.example.gov.uk",
        587,
        "hexbeat@example.gov.uk",
        (("duty@example.police.uk", Role.POLICE), ("team@example.gov.uk", Role.COUNCIL)),
        user="hexbeat",
        password_file="mail-password",  # noqa: S106 - the name of a file
    )


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('server = "mail.example.gov.uk"', "", "server is not the name of a machine"),
        ('server = "mail.example.gov.uk"', 'server = "a b"', "server is not the name of a machine"),
        ('sender = "hexbeat@example.gov.uk"', "sender = 1", "sender is not a text"),
        ("hexbeat@example.gov.uk", "hexbeat", "sender is not an address of mail"),
        ('user = "hexbeat"', "port = 0", "port is not a number from 1 to 65535"),
        ('user = "hexbeat"', "port = true", "port is not a number from 1 to 65535"),
        ('user = "hexbeat"', 'tls = "no"', "tls is not true or false"),
        ('user = "hexbeat"', "", "user and password_file need each other"),
        ('"council"', '"mayor"', "number 2 of [mail.addresses] has a role that Hexbeat does not know"),
        ("team@example.gov.uk", "team@x\\nBcc: y@z", "number 2 of [mail.addresses] is not an address of mail"),
        (
            "team@example.gov.uk",
            "Duty@Example.police.uk",
            "number 2 of [mail.addresses] stands there already, with another role",
        ),
        ("[addresses]", "[unread]", "it has 'unread'"),
    ],
)
def test_other_settings_are_refused_without_naming_an_address(old: str, new: str, fact: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_mail_settings(tomllib.loads(WHOLE.replace(old, new)))
    hint = "choose from server, port, sender, user, password_file, tls, addresses" if "unread" in new else HINT
    assert str(caught.value) == f"{RULE}; {fact}; {hint}"


def test_one_address_in_other_capitals_is_one() -> None:
    text = WHOLE.replace("team@example.gov.uk", "Duty@Example.police.uk").replace('"council"', '"police"')
    assert parse_mail_settings(tomllib.loads(text)).addresses == (("duty@example.police.uk", Role.POLICE),)


@pytest.mark.parametrize(
    ("server", "tls", "expected"),
    [
        ("localhost", False, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("localhost", True, True),
        ("mail.example.gov.uk", False, True),
        ("10.0.0.1", False, True),
        ("localhost.example.org", False, True),
    ],
)
def test_only_this_machine_is_spoken_to_without_encryption(server: str, *, tls: bool, expected: bool) -> None:
    settings = MailSettings(server, 25, "a@example.org", (), tls=tls)
    assert requires_tls(settings) is expected


def test_a_password_that_others_may_read_is_refused(tmp_path: Path) -> None:
    rule = "The password of the mail server stands in a file that only you may read"
    hint = "put the password alone into the password_file of policy.toml, and chmod 600 it"
    settings, file = build_settings(25, user="hexbeat"), tmp_path / "mail-password"
    for content, mode, fact in (
        (None, 0, "it cannot be read (FileNotFoundError)"),
        ("secret\n", 0o640, "others may read it (mode 0640)"),
        ("secret\n", 0o604, "others may read it (mode 0604)"),
        ("\n", 0o600, "it is empty"),
    ):
        if content is not None:
            file.write_text(content, encoding="utf-8")
            file.chmod(mode)
        with pytest.raises(DataError) as caught:
            read_password(settings, tmp_path)
        assert str(caught.value) == f"{rule}; {fact}; {hint}"
    file.write_text("secret\n", encoding="utf-8")
    assert read_password(settings, tmp_path) == "secret"


def test_a_message_arrives_whole() -> None:
    with mail_server() as mailbox:
        settings = build_settings(mailbox.port)
        send_message(settings, build_example(settings), password="")
    ((recipients, message),) = mailbox.messages
    (page,) = message.iter_attachments()
    text = message.get_body()
    assert text is not None
    assert (recipients, mailbox.encrypted) == (["duty@example.org"], [False])
    assert {name: message[name] for name in ("From", "To", "Subject", "Date", "Auto-Submitted")} == {
        "From": "hexbeat@example.org",
        "To": "duty@example.org",
        "Subject": "Hexbeat briefing, 23 Nov 2026",
        "Date": "Mon, 23 Nov 2026 07:30:00 +0000",
        "Auto-Submitted": "auto-generated",
    }
    assert text.get_content() == "The page is attached.\r\n"
    assert (page.get_filename(), page.get_content_type()) == ("briefing-meeting-2026-11-23.pdf", "application/pdf")
    assert page.get_content() == b"%PDF-1.7 \x00\xff a page"


def test_a_password_travels_encrypted_to_a_server_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path)
    with mail_server(certificate=certificate, password=SECRET) as mailbox:
        settings = build_settings(mailbox.port, user="hexbeat", tls=True)
        with pytest.raises(DataError) as untrusted:
            send_message(settings, build_example(settings), password=SECRET)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(DataError) as wrong:
            send_message(settings, build_example(settings), password=f"{SECRET}?")
        send_message(settings, build_example(settings), password=SECRET)
    assert mailbox.encrypted == [True]
    fact = "its certificate or its TLS cannot be trusted (SSLCertVerificationError)"
    assert str(untrusted.value) == f"{SEND}; {fact}; ask who keeps the server; nothing was sent"
    assert str(wrong.value) == f"{SEND}; it does not take the user and the password; correct user and password_file"


def test_what_a_server_refuses_is_said_without_the_address() -> None:
    with mail_server() as mailbox:
        open_text = build_settings(mailbox.port, tls=True)
        refused = build_settings(mailbox.port, address="nobody@example.org")
        for settings, message in (
            (
                open_text,
                f"{SEND}; it offers no STARTTLS; nothing was sent: name a server that encrypts, or one on this machine",
            ),
            (
                refused,
                f"{SEND}; it does not take one of the addresses; look at [mail.addresses] in policy.toml",
            ),
        ):
            with pytest.raises(DataError) as caught:
                send_message(settings, build_example(settings), password="")
            assert str(caught.value) == message
    with pytest.raises(DataError) as gone:
        send_message(open_text, build_example(open_text), password="")
    assert str(gone.value) == (
        f"{SEND}; it could not be reached, or did not take the message (ConnectionRefusedError); "
        "look at server and port in policy.toml, or try again later"
    )
    assert mailbox.messages == []
