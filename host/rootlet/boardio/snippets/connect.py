# Runs on the board: one verified connection and one message; print what happened as JSON.
# ``folder`` (with its slash) holds bundle, identity and settings.
import json


def _connect(topic, message, folder=""):
    import binascii

    import urootlet
    from urootlet.errors import Error

    try:
        client = urootlet.connect(folder)
        client.publish(topic, message, qos=1)
        client.disconnect()
    except Error as error:
        print(json.dumps({"code": error.code, "detail": error.detail, "advice": error.advice}))
        return
    session = client.session
    anchor = binascii.hexlify(session.anchor).decode()
    print(json.dumps({"protocol": session.protocol, "suite": session.suite, "anchor": anchor}))
