"""Freeze urootlet into a firmware: ``include("rootlet/device/manifest.py")``.

What a board needs, without what only CPython does; written by ``make lists``. A firmware for
boards other than the ESP32 also needs ``require("umqtt.simple")``.
"""

metadata(version="0.1.0", description="Verified TLS to AWS IoT")
package(
    "urootlet",
    files=(
        "__init__.py",
        "advice.py",
        "aio.py",
        "anchors.py",
        "bundle.py",
        "clock.py",
        "control.py",
        "dates.py",
        "der.py",
        "diagnose.py",
        "errors.py",
        "facts.py",
        "fetch.py",
        "jobs.py",
        "keyset.py",
        "mqtt_mpy.py",
        "ntp.py",
        "offers.py",
        "rebuild.py",
        "recovery.py",
        "release.py",
        "renewal.py",
        "rotation.py",
        "session.py",
        "status.py",
        "store.py",
        "tls_mpy.py",
        "wifi.py",
    ),
    opt=3,
)
