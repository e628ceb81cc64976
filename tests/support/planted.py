"""Secrets to plant: one of each kind, made up when the tests run, so that no file of the project holds one."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Final

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
HEX: Final = "0123456789abcdef"
ALNUM: Final = UPPER + LOWER + DIGITS
URL: Final = ALNUM + "-_"
B64: Final = ALNUM + "+/"


def made(seed: int = 0) -> dict[str, str]:
    """A secret of each kind by a name of its own, the same for the same seed."""
    dice = Random(f"planted {seed}")

    def of(signs: str, count: int) -> str:
        return "".join(dice.choice(signs) for _ in range(count - 1)) + dice.choice(
            ALNUM if set(signs) > set(ALNUM) else signs
        )

    def mixed(count: int) -> str:
        return of(ALNUM, count - 2) + "7x"

    def uuid() -> str:
        return "-".join(of(HEX, count) for count in (8, 4, 4, 4, 12))

    def packed(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    token = packed(json.dumps({"alg": "HS256", "typ": "JWT"})) + "." + packed(json.dumps({"sub": of(DIGITS, 10)}))
    key = "PRIVATE" + " KEY"
    body = "\n".join(of(B64, 64) for _ in range(4))
    return {
        "anthropic": "sk-" + "ant-api03-" + of(URL, 93) + "AA",
        "anthropic-admin": "sk-" + "ant-admin01-" + of(URL, 80),
        "openai-project": "sk-" + "proj-" + of(URL, 74),
        "openai-legacy": "sk-" + of(ALNUM, 20) + "T3Blbk" + "FJ" + of(ALNUM, 20),
        "openrouter": "sk-" + "or-v1-" + of(HEX, 63) + "7",
        "deepseek": "sk-" + of(HEX, 30) + "7e",
        "huggingface": "hf" + "_" + of(ALNUM, 34),
        "groq": "gsk" + "_" + of(ALNUM, 52),
        "replicate": "r8" + "_" + of(ALNUM, 37),
        "perplexity": "pplx" + "-" + of(ALNUM, 48),
        "xai": "xai" + "-" + of(ALNUM, 80),
        "langsmith": "lsv2" + "_pt_" + of(HEX, 32) + "_" + of(HEX, 10),
        "tavily": "tvly" + "-dev-" + of(ALNUM, 32),
        "pinecone": "pcsk" + "_" + of(ALNUM, 60),
        "aws-access": "AK" + "IA" + of(UPPER + "234567", 15) + "Q",
        "aws-secret": "aws_" + "secret_access_key = " + of(B64, 40),
        "aws-session": "IQoJb3" + "JpZ2lu" + of(B64, 300),
        "google-api": "AI" + "za" + of(URL, 35),
        "google-oauth": "ya29" + "." + of(URL, 120),
        "google-secret": "GOCSPX" + "-" + of(URL, 28),
        "google-refresh": "1/" + "/0" + of(URL, 60),
        "azure-storage": "DefaultEndpointsProtocol=https;AccountName=shop;Account" + "Key=" + of(B64, 86) + "==",
        "azure-shared": "Endpoint=sb://x.servicebus.windows.net/;SharedAccess" + "Key=" + of(B64, 43) + "=",
        "azure-sas": "sv=2024-11-04&si" + "g=" + of(ALNUM, 43) + "%3D",
        "azure-client": of(ALNUM, 3) + "8" + "Q~" + of(ALNUM, 34),
        "azure-openai": of(ALNUM, 52) + "JQQJ" + "99" + of(ALNUM, 26),
        "alibaba": "LT" + "AI" + of(ALNUM, 20),
        "digitalocean": "dop" + "_v1_" + of(HEX, 64),
        "heroku": "HRKU" + "-" + of(URL, 60),
        "heroku-uuid": "HEROKU_" + "API_KEY=" + uuid(),
        "supabase": "sbp" + "_" + of(HEX, 40),
        "netlify": "nfp" + "_" + of(ALNUM, 36),
        "planetscale": "pscale" + "_tkn_" + of(URL, 43),
        "terraform": of(ALNUM, 14) + ".atlas" + "v1." + of(URL, 67),
        "vault": "hvs" + "." + of(URL, 90),
        "doppler": "dp" + ".pt." + of(ALNUM, 43),
        "databricks": "da" + "pi" + of(HEX, 32),
        "github": "gh" + "p_" + of(ALNUM, 36),
        "github-app": "gh" + "s_" + of(ALNUM, 36),
        "github-fine-grained": "github" + "_pat_" + of(ALNUM, 22) + "_" + of(ALNUM, 59),
        "gitlab": "glp" + "at-" + of(URL, 20),
        "gitlab-runner": "glr" + "t-" + of(URL, 20),
        "bitbucket": "AT" + "BB" + of(ALNUM, 32),
        "atlassian": "ATA" + "TT3" + of(URL, 180),
        "npm": "np" + "m_" + of(ALNUM, 36),
        "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + of(URL, 150),
        "rubygems": "ruby" + "gems_" + of(HEX, 48),
        "docker": "dckr" + "_pat_" + of(URL, 27),
        "artifactory": "AK" + "Cp8" + of(ALNUM, 68),
        "sonarqube": "sq" + "u_" + of(HEX, 40),
        "postman": "PM" + "AK-" + of(HEX, 24) + "-" + of(HEX, 34),
        "linear": "lin" + "_api_" + of(ALNUM, 40),
        "figma": "fig" + "d_" + of(URL, 40),
        "age": "AGE-SECRET" + "-KEY-1" + of(UPPER + DIGITS, 58),
        "slack": "xox" + "b-" + of(DIGITS, 12) + "-" + of(DIGITS, 12) + "-" + of(ALNUM, 24),
        "slack-app": "xa" + "pp-1-" + of(UPPER, 11) + "-" + of(DIGITS, 13) + "-" + of(HEX, 64),
        "slack-webhook": "https://hooks.slack" + ".com/services/T" + mixed(8) + "/B" + mixed(10) + "/" + of(ALNUM, 24),
        "discord": "MT" + of(ALNUM, 24) + "." + of(URL, 6) + "." + of(URL, 38),
        "discord-webhook": "https://discord" + ".com/api/webhooks/" + "1" + of(DIGITS, 17) + "/" + of(URL, 68),
        "telegram": of("123456789", 10) + ":A" + "A" + of(URL, 33),
        "stripe": "sk" + "_live_" + of(ALNUM, 24),
        "stripe-test": "sk" + "_test_" + of(ALNUM, 99),
        "stripe-restricted": "rk" + "_live_" + of(ALNUM, 24),
        "stripe-webhook": "whs" + "ec_" + of(ALNUM, 32),
        "square": "sq0" + "atp-" + of(URL, 22),
        "shopify": "shp" + "at_" + of(HEX, 32),
        "paypal": "access" + "_token$production$" + of(LOWER + DIGITS, 16) + "$" + of(HEX, 32),
        "plaid": "access" + "-production-" + uuid(),
        "sendgrid": "S" + "G." + of(URL, 22) + "." + of(URL, 43),
        "brevo": "xkey" + "sib-" + of(HEX, 64) + "-" + of(ALNUM, 16),
        "mailgun": "ke" + "y-" + of(HEX, 32),
        "mailchimp": of(HEX, 32) + "-u" + "s14",
        "twilio": "S" + "K" + of(HEX, 32),
        "datadog": "DD_" + "API_KEY=" + of(HEX, 32),
        "datadog-app": "datadog_" + "app_key: " + of(HEX, 40),
        "newrelic": "NR" + "AK-" + of(UPPER + DIGITS, 27),
        "grafana": "gls" + "a_" + of(ALNUM, 32) + "_" + of(HEX, 8),
        "sentry": "sntry" + "u_" + of(HEX, 64),
        "notion": "nt" + "n_" + of(ALNUM, 46),
        "airtable": "pa" + "t" + of(ALNUM, 14) + "." + of(HEX, 64),
        "facebook": "EA" + "A" + of(ALNUM, 160),
        "dropbox": "sl" + "." + of(URL, 135),
        "firebase": of(URL, 22) + ":APA" + "91b" + of(URL, 134),
        "rsa-key": f"-----BEGIN RSA {key}-----\n{body}\n-----END RSA {key}-----",
        "openssh-key": f"-----BEGIN OPENSSH {key}-----\n{body}\n-----END OPENSSH {key}-----",
        "jwt": token + "." + of(URL, 43),
        "bearer": "Authorization: Bear" + "er " + mixed(40),
        "basic": "Authorization: Bas" + "ic " + base64.b64encode(f"shop:{mixed(12)}".encode()).decode(),
        "postgres": "postgresql://shop:" + mixed(14) + "@db.internal:5432/orders",
        "redis": "redis://:" + mixed(20) + "@cache.internal:6379/0",
        "url": "https://deploy:" + mixed(18) + "@git.internal/shop.git",
        "ado": "Server=db;Database=shop;User Id=sa;Pass" + "word=" + mixed(12) + ";",
        "password": "pass" + "word=" + mixed(10) + "!",
        "api-key": "api_" + "key: " + mixed(32),
        "client-secret": "CLIENT_" + 'SECRET="' + mixed(40) + '"',
        "access-token": '{"access_' + 'token": "' + mixed(40) + '"}',
    }


def core(secret: str) -> str:
    """The part of a planted secret that must not be seen: the last long run of its own characters."""
    if "-----BEGIN" in secret:
        return secret.splitlines()[2]
    text = secret.rstrip('"};=')
    for sign in ("@", "%3D"):
        text = text.partition(sign)[0] if sign in text else text
    tail = text.split("/")[-1].split("//")[-1].split(":")[-1].split(" ")[-1].split('"')[-1].split("=")[-1]
    return tail[-12:] if len(tail) >= 12 else text[-12:]


PERSONS: Final[dict[str, Callable[[], str]]] = {
    "card": lambda: "4111" + " 1111 1111 " + "1111",
    "card-amex": lambda: "3782" + "82246310" + "005",
    "card-mastercard": lambda: "5555" + "555555554" + "444",
    "iban": lambda: "DE89 3704 0044 " + "0532 0130 00",
    "iban-plain": lambda: "GB82WEST" + "12345698765432",
    "ssn": lambda: "219" + "-09-" + "9999",
    "email": lambda: "maria.garcia" + "@example.com",
    "phone": lambda: "+49 30 " + "1234 5678",
    "phone-us": lambda: "(415) 555" + "-2671",
}


def splits(text: str, dice: Random, most: int = 6) -> Iterator[str]:
    """`text` in a few pieces, cut anywhere."""
    cuts = sorted({0, len(text), *(dice.randrange(len(text) + 1) for _ in range(dice.randrange(1, most)))})
    yield from (text[start:stop] for start, stop in pairwise(cuts))
