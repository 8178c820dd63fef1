# Runs on the board after look.py: what it trusts, told and changed by the device's own code. Each
# function prints one JSON document. What the host sends first is kept in ``_data``.
import binascii

_data = bytearray()


def _take(text):
    _data.extend(binascii.a2b_base64(text))


def _tell(work):
    from urootlet.errors import Error

    try:
        answer = work()
    except Error as error:
        answer = {"code": error.code, "detail": error.detail, "advice": error.advice}
    print(json.dumps(answer))


def _hex(data):
    return binascii.hexlify(data).decode()


def _describe(data):
    import hashlib

    from urootlet.bundle import Bundle
    from urootlet.errors import Error

    if not data:
        return None
    answer = {"sha256": _hex(hashlib.sha256(data).digest()), "bytes": len(data)}
    try:
        found = Bundle(data)
    except Error as error:
        answer["fault"] = error.detail
        return answer
    answer["target"] = found.target
    answer["key_set"] = found.key_set
    answer["sequence"] = found.sequence
    answer["created"] = found.created
    answer["flags"] = found.flags
    answer["anchors"] = len(found.anchors)
    return answer


def _slot(store, index):
    from urootlet.store import SLOTS, hash16

    data = store.read(SLOTS[index])
    if len(data) < 2:  # none, or what newer keys left of a candidate
        data = None
    record = store.record
    role = ""
    if data is not None:
        other = "candidate" if record.state else "previous"
        wanted = record.active_hash if index == record.active else record.candidate_hash
        role = "active" if index == record.active else other
        if hash16(data) != wanted:
            role = "damaged" if role != "previous" else ""
    return {"slot": SLOTS[index], "role": role, "bundle": _describe(data)}


def _status():
    def work():
        from urootlet import rotating
        from urootlet.errors import Error

        rotation = rotating()
        store = rotation.store
        answer = {}
        for name, value in rotation.status().items():
            answer[name] = _hex(value) if isinstance(value, bytes) else value
        answer["slots"] = [_slot(store, 0), _slot(store, 1)]
        answer["factory"] = _describe(store.factory[0])
        try:
            keys = store.keys()
            answer["signers"] = {"threshold": keys.threshold, "keys": len(keys.keys)}
            answer["target"] = keys.target
        except Error:
            answer["signers"] = answer["target"] = None
        free = os.statvfs("/")
        answer["free"] = free[0] * free[3]
        return answer

    _tell(work)


def _active():
    def work():
        from urootlet import rotating

        store = rotating().store
        data = store.active() or store.factory[0] or b""
        return {"data": binascii.b2a_base64(data).decode()}

    _tell(work)


def _offer():
    def work():
        from urootlet import rotating

        rotation = rotating()
        new = rotation.offer(bytes(_data))
        return {"new": new, "state": rotation.status()["state"]}

    _tell(work)


def _renew(size):
    def work():
        import hashlib

        from urootlet import rotating
        from urootlet.renewal import Renewal, split

        renewal = Renewal(rotating())
        new = bool(size) and renewal.offer(bytes(_data[:size]), bytes(_data[size:]))
        found = renewal.status()
        answer = {"new": new, "state": found["state"], "reason": found["reason"]}
        for name in ("active", "previous"):
            pair = getattr(renewal, name)()
            answer[name] = _hex(hashlib.sha256(split(pair)[0]).digest()) if pair else ""
        return answer

    _tell(work)


# What follows is for flash: a person at the board, who may replace what it trusts.


def _factory_keys():
    import hashlib

    try:
        from rootlet_factory import KEYS
    except ImportError:
        KEYS = b""
    print(json.dumps({"sha256": _hex(hashlib.sha256(KEYS).digest()) if KEYS else ""}))


def _afresh(store):
    from urootlet.store import Record

    made = Record()
    made.number = store.record.number
    store.record = made
    store.take_signed(store.factory[1])


def _judge(reset):
    def work():
        from urootlet.bundle import Bundle
        from urootlet.errors import Error
        from urootlet.keyset import check_bundle

        store = _store()
        if reset:
            _afresh(store)
        found = Bundle(bytes(_data))
        if found.sequence and store.record.keys:
            check_bundle(store.keys(), found)
            order = found.key_set, found.sequence
            floor = store.record.floor
            waits = store.other()
            if store.record.state == 3 and waits:  # what was revoked stays so
                waits = Bundle(waits)
                floor = max(floor, (waits.key_set, waits.sequence))
            if order < floor:
                raise Error("SEQUENCE", "%d.%d is below %d.%d" % (order + floor))
        return {}

    _tell(work)


def _adopt(slot, reset):
    def work():
        from urootlet.bundle import Bundle
        from urootlet.store import SLOTS, hash16

        store = _store()
        if reset:
            _afresh(store)
        data = store.read(SLOTS[slot])
        found = Bundle(data)
        record = store.record
        record.state = 0  # idle
        record.active = slot
        record.active_hash = hash16(data)
        record.candidate_hash = bytes(16)
        record.attempts = record.backoff = record.reason = 0
        record.next_try = record.tried_at = 0
        if found.sequence and record.keys:
            record.floor = max(record.floor, (found.key_set, found.sequence))
            record.time_floor = found.created
            # A bundle that retires or revokes seals older sets off, however it came.
            record.sealed = record.sealed or found.flags > 0
        store.commit()
        return {}

    _tell(work)


def _forget():
    for name in ("tb", "k0", "k1"):
        if _there(name):
            os.remove(name)
    print("{}")
