"""What secrets look like: one row for each kind, its name, the words it begins with, and its pattern.

Every repetition is bounded or possessive: the work is linear in the text, whatever the text. Where a pattern has a
group `s`, that group is the secret and the rest is what tells it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agentctl.cassette.secrets import checks
from agentctl.cassette.secrets.assigned import ASSIGNMENT, NAMES, is_assigned
from agentctl.cassette.secrets.kind import Check, Kind

END: Final = r"(?![A-Za-z0-9])"
URL: Final = "[A-Za-z0-9_-]"
HEX: Final = "[0-9a-f]"
ALNUM: Final = "[A-Za-z0-9]"
IS: Final = r"[\"'\\]{0,3}\s{0,3}(?::=|=>|[:=])\s{0,3}[\"'\\]{0,3}"
"""What stands between a name and its value, in code, JSON, YAML, and JSON inside JSON."""


def _rows(*rows: tuple[str, str, str]) -> Iterable[Kind]:
    """Kinds from (name, words, pattern)."""
    return (Kind(name, tuple(words.split()), source) for name, words, source in rows)


def _inside(*rows: tuple[str, str, str]) -> Iterable[Kind]:
    """Kinds that no word begins."""
    return (Kind(name, tuple(words.split()), source, anywhere=True) for name, words, source in rows)


def _person(name: str, source: str, check: Check | None = None, *, words: tuple[str, ...] = ()) -> Kind:
    """A kind of personal data; its pattern itself says what may stand before it."""
    return Kind(name, words, source, check, anywhere=True, edge=False, personal=True)


MODELS: Final = (
    *_rows(
        ("anthropic-key", "sk-ant-", rf"sk-ant-{URL}{{12,512}}"),
        (
            "openai-key",
            "sk-",
            rf"sk-(?:(?:proj|svcacct|admin|None)-{URL}{{16,512}}|{ALNUM}{{16,64}}T3BlbkFJ{ALNUM}{{16,64}})",
        ),
        ("api-key", "sk-", rf"sk-(?=[A-Za-z_-]{{0,64}}[0-9])(?=[0-9_-]{{0,64}}[A-Za-z]){ALNUM}{URL}{{14,512}}"),
        ("huggingface-token", "hf_ api_org_", rf"(?:hf|api_org)_{ALNUM}{{30,128}}"),
        ("groq-key", "gsk_", rf"gsk_{ALNUM}{{40,128}}"),
        ("replicate-token", "r8_", rf"r8_{ALNUM}{{30,64}}"),
        ("perplexity-key", "pplx-", rf"pplx-{ALNUM}{{32,128}}"),
        ("xai-key", "xai-", rf"xai-{ALNUM}{{40,128}}"),
        ("fireworks-key", "fw_", rf"fw_{ALNUM}{{20,64}}{END}"),
        ("langsmith-key", "lsv2_", rf"lsv2_(?:pt|sk)_{HEX}{{32}}_{HEX}{{10}}"),
        ("tavily-key", "tvly-", rf"tvly-{URL}{{20,128}}"),
        ("pinecone-key", "pcsk_", rf"pcsk_{URL}{{30,128}}"),
    ),
)
CLOUDS: Final = (
    *_rows(
        ("aws-access-key", "AKIA ASIA ABIA ACCA A3T", rf"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{{16}}{END}"),
        ("aws-session-token", "IQoJb3JpZ2lu FwoGZXIvYXd FQoGZXIvYXd", r"[IF][A-Za-z0-9/+=]{40,4096}"),
        ("google-api-key", "AIza", rf"AIza{URL}{{35,40}}"),
        ("google-oauth-token", "ya29.", rf"ya29\.{URL}{{20,2048}}"),
        ("google-oauth-secret", "GOCSPX-", rf"GOCSPX-{URL}{{20,64}}"),
        ("google-refresh-token", "1//0", rf"1//0{URL}{{30,256}}"),
        ("azure-storage-key", "AccountKey=", r"AccountKey=(?P<s>[A-Za-z0-9+/]{40,120}={0,2})"),
        ("azure-shared-key", "SharedAccessKey=", r"SharedAccessKey=(?P<s>[A-Za-z0-9+/]{40,120}={0,2})"),
        ("azure-sas", "sig=", r"sig=(?P<s>(?:[A-Za-z0-9/+]|%2[BbFf]){40,80}(?:={1,2}|(?:%3[Dd]){1,2}))"),
        ("alibaba-access-key", "LTAI", rf"LTAI{ALNUM}{{16,24}}{END}"),
        ("digitalocean-token", "doo_v1_ dop_v1_ dor_v1_ dot_v1_", r"do[oprt]_v1_[a-f0-9]{64}"),
        ("cloudflare-ca-key", "v1.0-", rf"v1\.0-{HEX}{{24}}-{HEX}{{120,160}}"),
        ("heroku-key", "HRKU-", rf"HRKU-{URL}{{30,80}}"),
        ("supabase-key", "sbp_ sb_secret_", rf"(?:sbp_{HEX}{{40}}|sb_secret_{URL}{{20,64}})"),
        ("netlify-token", "nfp_", rf"nfp_{ALNUM}{{36,64}}"),
        ("fly-token", "fm1_ fm2_ fo1_", r"(?:fm[12]|fo1)_[A-Za-z0-9+/=_-]{40,4096}"),
        ("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}"),
        ("vault-token", "hvs. hvb. hvr.", rf"hv[sbr]\.{URL}{{24,300}}"),
        ("doppler-token", "dp.", rf"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{{1,40}}\.)?{ALNUM}{{40,64}}"),
        ("databricks-token", "dapi dose dkea", rf"(?:dapi|dose|dkea){HEX}{{32}}(?:-[0-9])?{END}"),
    ),
    *_inside(
        (
            "aws-secret-key",
            "secret s3_key aws_key",
            rf"(?i:aws|secret|s3)[A-Za-z_ -]{{0,24}}(?i:key){IS}(?P<s>[A-Za-z0-9/+]{{40}})(?![A-Za-z0-9/+])",
        ),
        ("azure-client-secret", "q~", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,40}"),
        ("azure-key", "jqqj99", rf"(?:(?<!{ALNUM})|(?<=\\[nrt])){ALNUM}{{52}}JQQJ99{ALNUM}{{26}}{END}"),
        (
            "heroku-uuid-key",
            "heroku",
            rf"(?i:heroku)[A-Za-z_ -]{{0,24}}{IS}(?P<s>{HEX}{{8}}-(?:{HEX}{{4}}-){{3}}{HEX}{{12}})",
        ),
        ("terraform-token", ".atlasv1.", rf"{ALNUM}{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{40,128}}"),
    ),
)
CODE: Final = (
    *_rows(
        ("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"gh[pousr]_{ALNUM}{{30,255}}"),
        ("github-fine-grained-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
        (
            "gitlab-token",
            "glpat- glptt- glrt- gldt- glcbt- glft- glsoat- glimt- glagent- gloas- GR1348941",
            r"(?:gl(?:pat|ptt|rt|dt|cbt|ft|soat|imt|agent|oas)-[A-Za-z0-9_.=-]{20,300}|GR1348941[A-Za-z0-9_-]{20,64})",
        ),
        ("bitbucket-token", "ATBB", rf"ATBB{ALNUM}{{28,64}}{END}"),
        ("atlassian-token", "ATATT3 ATCTT3", r"AT[AC]TT3[A-Za-z0-9_=-]{50,512}"),
        ("npm-token", "npm_", rf"npm_{ALNUM}{{36,64}}"),
        ("pypi-token", "pypi-", rf"pypi-{URL}{{32,1024}}"),
        ("rubygems-key", "rubygems_", rf"rubygems_{HEX}{{48}}"),
        ("clojars-token", "CLOJARS_", r"CLOJARS_[A-Za-z0-9]{50,64}"),
        ("docker-token", "dckr_", rf"dckr_(?:pat|oat)_{URL}{{24,64}}"),
        ("artifactory-key", "AKCp", rf"AKCp[0-9]{ALNUM}{{60,80}}{END}"),
        ("sonarqube-token", "squ_ sqp_ sqa_", rf"sq[upa]_{HEX}{{40}}"),
        ("sourcegraph-token", "sgp_", rf"sgp_(?:{HEX}{{16}}_)?{HEX}{{40}}"),
        ("postman-key", "PMAK-", rf"PMAK-{HEX}{{24}}-{HEX}{{34}}"),
        ("linear-key", "lin_api_ lin_oauth_", rf"lin_(?:api|oauth)_{ALNUM}{{32,80}}"),
        ("figma-token", "figd_", rf"figd_{URL}{{36,64}}"),
        ("pulumi-token", "pul-", rf"pul-{HEX}{{40}}"),
        ("onepassword-token", "ops_eyJ", r"ops_eyJ[A-Za-z0-9+/=_-]{100,4096}"),
        ("age-secret-key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    ),
)
SERVICES: Final = (
    *_rows(
        ("slack-token", "xox xapp- xwfp-", r"(?:xox[a-eo-s]|xoxe\.xox[bp]|xapp|xwfp)-[A-Za-z0-9%-]{10,300}"),
        (
            "slack-webhook",
            "hooks.slack.com/",
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9+/_-]{20,120})",
        ),
        ("discord-token", "MT Mj Mz ND NT Nj Nz OD OT", rf"[MNO]{URL}{{23,27}}\.{URL}{{6}}\.{URL}{{27,45}}"),
        (
            "discord-webhook",
            "discord.com/api/ discordapp.com/api/",
            rf"discord(?:app)?\.com/api/(?:v[0-9]{{1,2}}/)?webhooks/(?P<s>[0-9]{{15,22}}/{URL}{{40,100}})",
        ),
        (
            "stripe-key",
            "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_",
            rf"[sr]k_(?:live|test|prod)_{ALNUM}{{10,255}}",
        ),
        ("webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,100}"),
        ("square-token", "sq0 EAAA", rf"(?:sq0(?:atp|csp|idp)-{URL}{{20,64}}|EAAA{URL}{{58,64}}(?!{URL}))"),
        ("shopify-token", "shpat_ shpca_ shppa_ shpss_ shptka_", r"shp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32}"),
        ("paypal-token", "access_token$", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
        (
            "plaid-token",
            "access-sandbox- access-development- access-production-",
            rf"access-[a-z]{{7,11}}-{HEX}{{8}}-(?:{HEX}{{4}}-){{3}}{HEX}{{12}}",
        ),
        ("sendgrid-key", "SG.", rf"SG\.{URL}{{16,32}}\.{URL}{{30,64}}"),
        ("brevo-key", "xkeysib-", rf"xkeysib-{HEX}{{64}}-{ALNUM}{{16}}"),
        ("mailgun-key", "key-", rf"key-{HEX}{{32}}{END}"),
        ("twilio-key", "SK AC", rf"(?:SK|AC){HEX}{{32}}{END}"),
        ("newrelic-key", "NRAK- NRII- NRJS- NRAA-", r"NR(?:AK|II|JS|AA)-[A-Za-z0-9-]{19,48}"),
        ("grafana-token", "glc_ glsa_", r"(?:glc_[A-Za-z0-9+/=]{32,400}|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})"),
        ("sentry-token", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9+/=_-]{40,400}"),
        ("notion-token", "ntn_ secret_", rf"(?:ntn_{ALNUM}{{40,64}}|secret_{ALNUM}{{43}}{END})"),
        ("airtable-token", "pat", rf"pat{ALNUM}{{14}}\.{HEX}{{64}}"),
        ("facebook-token", "EAA", rf"EAA{ALNUM}{{80,500}}(?![A-Za-z0-9+])"),
        ("dropbox-token", "sl.", rf"sl\.(?:u\.)?{URL}{{100,2000}}"),
        ("contentful-token", "CFPAT-", rf"CFPAT-{URL}{{40,64}}"),
        ("mapbox-token", "sk.eyJ", rf"sk\.eyJ{URL}{{20,400}}\.{URL}{{16,64}}"),
        ("okta-token", "SSWS", rf"SSWS (?P<s>00{URL}{{40}})"),
    ),
    *_inside(
        ("telegram-token", ":a", rf"[0-9]{{8,12}}:A{URL}{{34}}(?!{URL})"),
        ("mailgun-hex-key", "mailgun", rf"(?i:mailgun)[^\n]{{0,40}}?(?P<s>{HEX}{{32}}-{HEX}{{8}}-{HEX}{{8}}){END}"),
        ("mailchimp-key", "-us", rf"{HEX}{{32}}-us[0-9]{{1,2}}{END}"),
        (
            "datadog-key",
            "datadog dd-a dd_a ddapi ddapp",
            rf"(?i:datadog|dd)[A-Za-z_ -]{{0,24}}(?i:key){IS}(?P<s>{HEX}{{40}}|{HEX}{{32}}){END}",
        ),
        ("firebase-key", ":apa91", rf"{URL}{{8,64}}:APA91{URL}{{100,300}}"),
    ),
)
GENERAL: Final = (
    Kind(
        "private-key",
        ("-----BEGIN ",),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*+"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
        edge=False,
    ),
    Kind("jwt", ("eyJ",), rf"eyJ{URL}{{8,4096}}\.{URL}{{8,8192}}\.{URL}{{0,1024}}", checks.is_jwt),
    Kind(
        "bearer",
        ("bearer",),
        r"(?i:bearer)(?:[ +:]|%20){1,3}(?P<s>[A-Za-z0-9._~+/=-]{12,8192})",
        checks.is_token,
        folded=True,
    ),
    Kind(
        "basic-auth", ("basic ",), r"(?i:basic) {1,3}(?P<s>[A-Za-z0-9+/_-]{8,1024}={0,2})", checks.is_basic, folded=True
    ),
    Kind(
        "url-password",
        ("://",),
        r"://[^\s/:@\[\]\"'<>\\]{0,100}:(?P<s>[^\s/@\[\]\"'<>\\]{3,200})@[^\s@]",
        checks.is_no_placeholder,
        edge=False,
    ),
    Kind("assignment", NAMES, ASSIGNMENT, is_assigned, folded=True, edge=False),
)
CARD: Final = (
    r"(?<![\w.+-])(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}(?P<a>[ -])[0-9]{4}(?P=a)[0-9]{4}(?P=a)[0-9]{1,7}"
    r"|3[0-9]{3}(?P<b>[ -])[0-9]{6}(?P=b)[0-9]{4,5})(?![\w-])"
)
PERSONAL: Final = (
    _person("card", CARD, checks.is_card),
    _person(
        "iban",
        r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])",
        checks.is_iban,
    ),
    _person("ssn", r"(?<![\w.-])(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\w-])"),
    _person(
        "email",
        r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])",
        checks.is_email,
        words=("@",),
    ),
    _person(
        "phone",
        r"(?<![\w.+/-])(?:\+[1-9][0-9]{0,2}(?:[ .()-]{0,2}[0-9]){6,13}"
        r"|\(?[2-9][0-9]{2}\)?[ .-]{1,2}[2-9][0-9]{2}[ .-][0-9]{4})(?![\w-])",
        checks.is_phone,
    ),
)
SECRETS: Final = (*MODELS, *CLOUDS, *CODE, *SERVICES, *GENERAL)
BUILT_IN: Final = {kind.name: kind for kind in (*SECRETS, *PERSONAL)}
GROUPS: Final = {"secrets": SECRETS, "pii": PERSONAL}
"""Names under which several kinds are chosen at once."""
