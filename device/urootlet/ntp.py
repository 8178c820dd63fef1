"""The time from the network, on a board whose settings name an NTP server: not authenticated."""


def sync(host: str) -> bool:
    """Ask the NTP server ``host`` and set the clock; tell whether an answer came."""
    try:
        import ntptime

        ntptime.host = host
        ntptime.settime()
    except Exception:  # noqa: BLE001 - no such module, no answer, or one that no clock can show
        return False
    return True
