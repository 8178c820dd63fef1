# Runs on the board, and on this computer for a gateway: one connection, a step at a time, by the
# device package's own code. Each function returns what JSON can say; "code" is a refusal.
import binascii
import socket
import time


def _told(work, *arguments):
    from urootlet.errors import Error

    try:
        return work(*arguments)
    except Error as error:
        return {"code": error.code, "detail": error.detail}


def begin(folder, name, values):
    # ``values`` replace the settings of the folder.
    def work():
        global _identity, _bundle
        from urootlet.bundle import Bundle
        from urootlet.session import Identity

        _identity = Identity(folder)
        _identity.config = type(_identity.config)(values)
        with open(folder + name, "rb") as file:
            _bundle = Bundle(file.read())
        return {}

    return _told(work)


def look_up():
    def work():
        from urootlet.diagnose import resolve

        found = resolve(_identity.config)[-1]
        # The unix port gives a sockaddr_in: family, port, and the four bytes of the address.
        ip = found[0] if isinstance(found, tuple) else ".".join([str(b) for b in found[4:8]])
        return {"address": ip}

    return _told(work)


def ask_time():
    from urootlet import clock, ntp

    answered = ntp.sync(_identity.config.ntp)
    return {"answered": answered, "now": clock.now()}


def _connected():
    from urootlet.diagnose import resolve

    found = resolve(_identity.config)
    sock = socket.socket(found[0])
    try:
        sock.settimeout(_identity.config.timeout)
        sock.connect(found[-1])
    except OSError:
        sock.close()
        raise
    return sock


def reach():
    try:
        _connected().close()
    except OSError as error:
        return {"code": "NET", "detail": str(error)}
    return {}


def handshake():
    from urootlet import clock
    from urootlet.diagnose import explain

    def work():
        clock.raise_to(_bundle.created)
        context = _identity.context(_bundle)
        try:
            sock = _connected()
            try:
                context.wrap_socket(sock, server_hostname=_identity.config.endpoint).close()
            finally:
                sock.close()
        except Exception as error:
            why = explain(error, _bundle, _identity.config, context)
            return {"code": why.code, "detail": why.detail, "leaf": _to_hex(context.leaf)}
        return {
            "protocol": context.protocol,
            "suite": context.suite,
            "anchor": _to_hex(context.anchor),
            "leaf": _to_hex(context.leaf),
        }

    return _told(work)


def _to_hex(data):
    return binascii.hexlify(data or b"").decode()


def connect():
    def work():
        global _client
        _client = _identity.open(_bundle, _bundle.created)
        return {"protocol": _client.session.protocol, "suite": _client.session.suite}

    return _told(work)


def publish(topic):
    return _dropped(lambda: _client.publish(topic, "rootlet doctor", qos=1))


def subscribe(topic):
    _client.set_callback(lambda *_: None)
    return _dropped(lambda: _client.subscribe(topic, qos=1))


def stay(seconds):
    def work():
        for _ in range(seconds * 10):
            _client.check_msg()
            time.sleep(0.1)

    return _dropped(work)


def _dropped(work):
    began = time.time()
    try:
        work()
    except Exception as error:
        return {"dropped": repr(error)[:120], "seconds": int(time.time() - began)}
    return {}


def leave():
    try:
        _client.disconnect()
    except Exception:
        pass
    return {}
