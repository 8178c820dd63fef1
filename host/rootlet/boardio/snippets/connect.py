# Runs on the board: one verified connection and one message; print what happened as JSON.
# ``folder`` (with its slash) holds bundle, identity and settings. With ``rotating`` the board's
# replaceable trust connects, and its state is told too.
import json


def _connect(topic, message, folder="", rotating=False):
    import binascii

    import urootlet
    from urootlet.errors import Error

    rotation = urootlet.rotating(folder) if rotating else None
    try:
        client = rotation.connect() if rotation else urootlet.connect(folder)
        client.publish(topic, message, qos=1)
        client.disconnect()
    except Error as error:
        print(json.dumps({"code": error.code, "detail": error.detail, "advice": error.advice}))
        return
    session = client.session
    anchor = binascii.hexlify(session.anchor).decode()
    answer = {"protocol": session.protocol, "suite": session.suite, "anchor": anchor}
    if rotation:
        status = rotation.status()
        answer.update({name: status[name] for name in ("state", "reason", "floor")})
    print(json.dumps(answer))
