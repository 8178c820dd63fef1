# Runs on the board: what `doctor` asks of it. Nothing here needs the device package; nothing is
# written but by `convert` and `set_clock`. What a key file holds never leaves the board.
import gc
import json
import os
import time

_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0
_LIMIT = 8192  # bytes of a certificate or key


def answer(value):
    print(json.dumps(value))


def now():
    return int(time.time()) + _EPOCH


def set_clock(seconds):
    import machine

    date = time.gmtime(seconds - _EPOCH)
    machine.RTC().datetime(date[:3] + date[6:7] + date[3:6] + (0,))
    return now()


def has_tls():
    try:
        import tls

        suites = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).get_ciphers()
    except (ImportError, AttributeError):
        return None
    return any(suite.startswith("TLS1-3-") for suite in suites)


def mqtt_client():
    # What the constructor takes; it does not connect.
    try:
        from umqtt.simple import MQTTClient
    except ImportError:
        return None
    taken = []
    for name, value in (("ssl", object()), ("ssl_params", {})):
        try:
            MQTTClient("id", "127.0.0.1", **{name: value})
            taken.append(name)
        except TypeError:
            pass
    return taken


def package():
    # The device package's version, and why it cannot be loaded, or nothing. It is forgotten
    # again: its memory is not to be missed when the heap is looked at.
    import sys

    said = version = ""
    try:
        import urootlet

        version = "?"
        from urootlet.release import VERSION as version
        import urootlet.diagnose
        import urootlet.rotation
        import urootlet.session
    except (ImportError, ValueError, AttributeError) as error:
        said = str(error) or "damaged"
    for name in list(sys.modules):
        if name.startswith("urootlet"):
            del sys.modules[name]
    return [version, said]


def heap():
    gc.collect()
    try:
        import esp32

        regions = esp32.idf_heap_info(esp32.HEAP_DATA)
        return ["IDF", max(r[2] for r in regions), sum(r[1] for r in regions)]
    except ImportError:
        pass
    low, high = 0, gc.mem_free()
    free = high
    while high - low > 1024:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
        gc.collect()
    return ["Python", low, free]


def read(path, start=0, size=_LIMIT):
    # What is no secret: bundle, settings, certificate, programs.
    import binascii

    try:
        with open(path, "rb") as file:
            file.seek(start)
            return binascii.b2a_base64(file.read(size)).decode()
    except OSError:
        return None


def sources():
    # Programs outside the device package, as [path, size]: two folders deep is where they are.
    found = []
    for folder in ("", "lib"):
        _walk(folder, found, 1)
    return found[:60]


def _walk(folder, found, depth):
    try:
        names = os.listdir("/" + folder)
    except OSError:
        return
    for name in names:
        path = folder + "/" + name if folder else name
        if name == "urootlet" or path == "lib" or path.startswith("rom"):
            continue
        mode_size = os.stat("/" + path)
        if mode_size[0] & 0x4000:
            if depth:
                _walk(path, found, depth - 1)
        elif path.endswith(".py"):
            found.append([path, mode_size[6]])


def _whole(path):
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT)
    except OSError:
        return None


def _wide(data):
    # UTF-16 with a byte order mark, as Windows tools write it: every other byte is the text.
    if data[:2] == b"\xff\xfe":
        return bytes([data[i] for i in range(2, len(data), 2)])
    if data[:2] == b"\xfe\xff":
        return bytes([data[i] for i in range(3, len(data), 2)])
    return data


def kind(path):
    data = _whole(path)
    if data is None:
        return "missing"
    if not data:
        return "empty"
    plain = _wide(data)
    if b"-----BEGIN" in plain:
        if b"ENCRYPTED" in plain:
            return "an encrypted private key (PEM)"
        kind = "PEM of a private key" if b"PRIVATE KEY-" in plain else "PEM of a certificate"
        return kind if plain is data else kind + " in UTF-16"
    return _kind_of_der(data)


def _kind_of_der(data):
    if data[0] != 0x30 or len(data) < 8:
        return "neither PEM nor DER"
    at = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    tag = data[at]
    if tag == 0x02:
        return "a private key"
    if tag != 0x30:
        return "DER of something else"
    at += 2 + (data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0)
    # A certificate begins with its version or serial number, an encrypted key with an OID.
    return "an encrypted private key" if data[at] == 0x06 else "a certificate"


def loads(cert, key):
    # What the firmware's own TLS says to the files: nothing, or its words.
    import tls

    try:
        tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_cert_chain(_whole(cert), _whole(key))
    except (ValueError, OSError, TypeError) as error:
        return str(error) or "refused"
    return ""


def loads_anchors(path, spans):
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    data = _whole(path)
    for number, (start, end) in enumerate(spans):
        try:
            context.load_verify_locations(data[start:end])
        except (ValueError, OSError) as error:
            return [number, str(error)]
    return []


def holds(path, marks):
    # Whether a key file holds the public half given in base64, or another one, or none:
    # SEC 1 and PKCS#8 carry an EC point as a BIT STRING, PKCS#1 an RSA modulus.
    import binascii

    data = _whole(path)
    if b"-----BEGIN" in data:
        return "none"
    if any(binascii.a2b_base64(mark) in data for mark in marks):
        return "this"
    other = b"\x03\x42\x00\x04" in data or b"\x03\x62\x00\x04" in data or len(data) > 300
    return "another" if other else "none"


def convert(path):
    # PEM to DER, beside its place and then renamed; returns what it now is.
    import binascii

    text = _wide(_whole(path)).decode()
    for block in text.split("-----BEGIN ")[1:]:
        label, _, rest = block.partition("-----")
        if label == "CERTIFICATE" or (label.endswith("PRIVATE KEY") and "ENCRYPTED" not in block):
            der = binascii.a2b_base64("".join(rest.partition("-----END")[0].split()))
            with open(path + ".new", "wb") as file:
                file.write(der)
            os.rename(path + ".new", path)
            return kind(path)
    return kind(path)


def wifi():
    try:
        import network
    except ImportError:
        return None
    station = network.WLAN(network.STA_IF)
    said = ""
    if not station.isconnected():
        said = _join()  # 25 s at most
    return [station.isconnected(), said or str(station.status()), station.ifconfig()[0]]


def _join():
    # The device package knows how, where it has the network's name and password.
    try:
        from urootlet.errors import Error
        from urootlet.wifi import join
    except ImportError:
        return ""
    try:
        join("", 25)
    except Error as error:
        return str(error)
    except OSError:
        return "there is no wifi.json, and boot.py has not connected it"
    return ""
