"""Every code that a device or the host reports as ``E-`` + code, with what to do about it.

Those that only a host can report are in ``advice_cpython``, and cost a board nothing.
"""

from .errors import MICROPYTHON

ADVICE = {
    "CLOCK": "Set the clock from NTP before TLS; the bundle's creation time alone is too old.",
    "FAMILY": "The server sent the other key type: build with its root too, or with the "
    "cipher profile of the roots you have.",
    "ROOT": "The bundle lacks the root of this server's chain: check the endpoint, then build "
    "a bundle with the root it wants.",
    "NAME": "Connect to a name that is in the server's certificate; an IP address or an alias "
    "is not.",
    "EXPIRED": "A certificate in the chain or the anchor has ended: check the clock, then "
    "rotate the bundle.",
    "CROSS": "The server sent only the tail of a cross-signed chain: add the older root.",
    "CLIENTCERT": "TLS trusts the server but it refused this device: check that certificate "
    "and key belong together and that the certificate is registered and ACTIVE.",
    "HEAP": "Not enough memory for TLS: connect before large imports, close other sockets, "
    "use fewer or ECC anchors.",
    "NET": "The server cannot be reached: check Wi-Fi, firewall, host and port 8883.",
    "POLICY": "TLS is fine, MQTT was refused: the thing's policy must allow iot:Connect on "
    "client/ID.",
    "NOVERIFY": "This code does not verify the server: use urootlet's TLS context.",
    "SNI": "Give the endpoint's name as server_hostname; it is also the name to verify.",
    "NOROOTS": "There is no usable bundle on the device: run rootlet flash.",
    "FORMAT": "The file is not what its name says: write it again with rootlet flash.",
    "TOPIC": "The server ended the connection at this topic: the policy must allow it.",
    "CLIENTID": "Another device uses this client id: derive it from the thing name.",
    "DNS": "The name does not resolve: give a bare host name and check the network.",
    "PORT": "MicroPython has no ALPN, and no other port talks MQTT over TLS: use port 8883.",
    "UMQTT": "The board has no umqtt.simple, or one that takes no TLS context: mpremote mip "
    "install umqtt.simple",
    "ENDPOINT": "This is a legacy endpoint name: use the one of describe-endpoint "
    "--endpoint-type iot:Data-ATS.",
    "TLSPOLICY": "No TLS version or cipher suite in common: check the endpoint's TLS policy "
    "and the bundle's cipher profile.",
    "SIGNATURE": "Too few of the fleet's keys signed it: add what is missing with rootlet sign, "
    "under the key set that the device has.",
    "TARGET": "It was made for another fleet: build it with the --target of this device.",
    "SEQUENCE": "It is not the next one: build it with --after the newest, or bring the device "
    "the key sets in between.",
    "FLASH": "The file system cannot be written: free room on it, or replace the board.",
    "NOKEYS": "The device holds no update keys: flash them with --trust-keys.",
}

if not MICROPYTHON:
    from .advice_cpython import HOST

    ADVICE.update(HOST)
