"""C, Arduino, shell and settings that do not verify the server are found, and the rest is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootlet.unverified import findings, language_of
from rootlet.unverified.rules import C_RULES

#: rule -> code that breaks it in its last line
WRONG_C = {
    "verify-none": [
        "mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);",
        "int mode =\n  MBEDTLS_SSL_VERIFY_NONE;",
        "SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);",
        "wolfSSL_CTX_set_verify(ctx,\n    WOLFSSL_VERIFY_NONE, 0);",
        "int verify = TLS_PEER_VERIFY_NONE;",
        '/* MBEDTLS_SSL_IS_SERVER */ f("//"); mbedtls_x(&c, MBEDTLS_SSL_VERIFY_NONE); // none',
    ],
    "verify-optional": ["mbedtls_ssl_conf_authmode(&c, MBEDTLS_SSL_VERIFY_OPTIONAL);"],
    "set-insecure": ["WiFiClientSecure net;\nnet.setInsecure();", "client->setInsecure ();"],
    "self-signed": ["net.allowSelfSignedCerts();"],
    "set-fingerprint": ["net.setFingerprint(PIN);"],
    "skip-name": [
        "esp_http_client_config_t c = {\n .skip_cert_common_name_check = true,",
        "cfg.skip_common_name = 1;",
        "curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);",
        "mosquitto_tls_insecure_set(mosq, true);",
    ],
    "insecure": [
        "curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0);",
        "mosquitto_tls_opts_set(mosq, 0, NULL, NULL);",
        "ssl_opts.enableServerCertAuth = 0;",
        "opts.skip_verification = 1;",
    ],
    "no-hostname": [
        "f(MBEDTLS_SSL_IS_CLIENT);\nmbedtls_ssl_setup(&ssl, &conf);",
        "mbedtls_ssl_set_hostname(&ssl, NULL);",
    ],
}
RIGHT_C = [
    "#define MBEDTLS_SSL_VERIFY_NONE 0",
    "if (mode == MBEDTLS_SSL_VERIFY_NONE) fail();",
    "if (MBEDTLS_SSL_VERIFY_NONE != mode) fail();",
    "switch (mode) {\ncase MBEDTLS_SSL_VERIFY_NONE: fail(); }",
    "// mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);",
    "/* net.setInsecure();\n   net.setInsecure(); */",
    'puts("net.setInsecure();");',
    "void setInsecure();",
    "f(MBEDTLS_SSL_IS_SERVER); g(&conf, MBEDTLS_SSL_VERIFY_NONE);",
    "g(&c, MBEDTLS_SSL_VERIFY_OPTIONAL); if (mbedtls_ssl_get_verify_result(&s)) fail();",
    "f(MBEDTLS_SSL_IS_CLIENT); mbedtls_ssl_setup(&s, &c); mbedtls_ssl_set_hostname(&s, host);",
    "cfg.skip_common_name = false; curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);",
    "mosquitto_tls_insecure_set(mosq, false); mosquitto_tls_opts_set(mosq, 1, NULL, NULL);",
]
WRONG_SETTINGS = {
    "insecure": [
        "CONFIG_ESP_TLS_INSECURE=y",
        "CONFIG_ESP_TLS_SKIP_SERVER_CERT_VERIFY=y",
        "curl -k https://host/",
        "curl -fsSLk https://host/",
        "curl --insecure https://host/",
        "wget -q --no-check-certificate https://host/",
        "export NODE_TLS_REJECT_UNAUTHORIZED=0",
        "PYTHONHTTPSVERIFY: '0'",
        "http_request:\n  verify_ssl: false",
    ],
    "skip-name": [
        "CONFIG_EXAMPLE_SKIP_COMMON_NAME_CHECK=y",
        "mosquitto_pub --cafile ca.pem --insecure -t a",
        "bridge_insecure true",
        "  skip_cert_cn_check: true",
    ],
}
RIGHT_SETTINGS = [
    "# CONFIG_ESP_TLS_INSECURE is not set",
    "# curl -k https://host/",
    "curl -o kit.tar https://host/",
    "curl https://host/ | grep -k",
    "verify_ssl: true",
    "mosquitto_pub --cafile ca.pem -t a",
]


def rules(text: str, language: str) -> list[tuple[int, str]]:
    names = {words: name for name, words in C_RULES.items()}
    return [(one.line, names[(one.what, one.why, one.code)]) for one in findings(text, language)]


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, text) for rule, texts in table.items() for text in texts]


def test_every_rule_has_an_example():
    assert {*WRONG_C, *WRONG_SETTINGS} == set(C_RULES)


@pytest.mark.parametrize(("rule", "text"), cases(WRONG_C))
def test_code_that_breaks_a_rule_is_found_at_its_line(rule, text):
    padded = f"int a;\n\n{text}\nint b;\n"
    assert rules(padded, "c") == [(text.count("\n") + 3, rule)]


@pytest.mark.parametrize("text", RIGHT_C)
def test_code_that_keeps_the_rules_is_not(text):
    assert rules(text, "c") == []


@pytest.mark.parametrize(("rule", "text"), cases(WRONG_SETTINGS))
def test_a_setting_is_found_at_its_line(rule, text):
    assert rules(f"# first\n{text}\nlast=1\n", "settings") == [(text.count("\n") + 2, rule)]


@pytest.mark.parametrize("text", RIGHT_SETTINGS)
def test_a_good_setting_is_not(text):
    assert rules(text, "settings") == []


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("src/main.CPP", "c"),
        ("pump.ino", "c"),
        ("boot.py", "python"),
        ("sdkconfig", "settings"),
        ("sdkconfig.defaults", "settings"),
        ("Dockerfile", "settings"),
        (".env", "settings"),
        ("README.md", ""),
        ("firmware.bin", ""),
    ],
)
def test_a_name_tells_the_language(name, language):
    assert language_of(name) == language


@settings(max_examples=100)
@given(st.text(max_size=400), st.sampled_from(["c", "settings"]))
def test_any_text_is_survived(text, language):
    findings(text, language)


@pytest.mark.parametrize("piece", ['"', "'", "/*", "//", '\\"', "curl ", "case ", "== ", "f("])
def test_long_repetitions_take_no_time(piece):
    for language in ("c", "settings"):
        findings(piece * 100_000, language)
