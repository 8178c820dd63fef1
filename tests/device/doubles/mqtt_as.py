# A double of mqtt_as 0.8 for a machine without Wi-Fi: the same configuration, methods and order
# of calls around TLS (a non-blocking socket, then ``ssl.wrap_socket(sock, **ssl_params)`` of the
# module imported at that moment), event mode only, and no keep-alive.
import asyncio
import socket
import struct
from errno import EINPROGRESS

config = {
    "client_id": b"", "server": None, "port": 0, "user": "", "password": "", "keepalive": 60,
    "ssl": False, "ssl_params": {}, "clean": True, "queue_len": 0, "ssid": None, "wifi_pw": None,
}  # fmt: skip


class _Queue:
    def __init__(self):
        self._kept, self._some = [], asyncio.Event()

    def put(self, *what):
        self._kept.append(what)
        self._some.set()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._kept:
            self._some.clear()
            await self._some.wait()
        return self._kept.pop(0)


class MQTT_base:
    def __init__(self, config):
        self._client_id, self._keepalive = config["client_id"], config["keepalive"]
        self.server, self.port = config["server"], config["port"]
        self._ssl, self._ssl_params = config["ssl"], config["ssl_params"]
        self._sock, self._pid = None, 0
        self.queue, self.up, self.lock = _Queue(), asyncio.Event(), asyncio.Lock()

    async def _as_read(self, size):
        data = b""
        while len(data) < size:
            part = self._sock.read(size - len(data))
            if part == b"":
                raise OSError(-1, "Connection closed by host")
            data += part or b""
            await asyncio.sleep(0)
        return data

    async def _as_write(self, data):
        while data:
            data = data[self._sock.write(data) or 0 :]
            await asyncio.sleep(0)

    async def _connect(self, clean):
        self._sock = socket.socket()
        self._sock.setblocking(False)
        try:
            self._sock.connect(self._addr)
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        await asyncio.sleep(0)
        if self._ssl:
            import ssl

            self._sock = ssl.wrap_socket(self._sock, **self._ssl_params)
        name = self._client_id.encode()
        body = b"\0\4MQTT\4" + struct.pack("!BHH", clean << 1, self._keepalive, len(name)) + name
        await self._as_write(bytes((0x10, len(body))) + body)
        answer = await self._as_read(4)
        if answer[0] != 0x20 or answer[3] != 0:
            raise OSError(-1, "CONNACK")

    def _close(self):
        if self._sock is not None:
            self._sock.close()

    async def _send(self, kind, body):
        size, left = b"", len(body)
        while not size or left:
            size, left = size + bytes((left & 0x7F | (0x80 if left > 0x7F else 0),)), left >> 7
        async with self.lock:
            await self._as_write(bytes((kind,)) + size + body)

    async def subscribe(self, topic, qos=0):
        self._pid += 1
        name = topic.encode()
        await self._send(0x82, struct.pack("!HH", self._pid, len(name)) + name + bytes((qos,)))

    async def publish(self, topic, msg, retain=False, qos=0):
        self._pid += 1
        name = topic.encode()
        head = struct.pack("!H", len(name)) + name + (struct.pack("!H", self._pid) if qos else b"")
        await self._send(0x30 | qos << 1 | retain, head + msg.encode())

    async def _packet(self):
        kind = (await self._as_read(1))[0]
        size = shift = 0
        while True:
            byte = (await self._as_read(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        body = await self._as_read(size)
        if kind & 0xF0 == 0x30:
            end = 2 + struct.unpack("!H", body)[0]
            after = end + (2 if kind & 6 else 0)
            if kind & 6:
                await self._send(0x40, body[end:after])
            self.queue.put(body[2:end], body[after:], bool(kind & 1))


class MQTTClient(MQTT_base):
    _task = None

    async def connect(self):
        self._addr = socket.getaddrinfo(self.server, self.port)[0][-1]
        try:
            await self._connect(True)
        except Exception:
            self._close()
            raise
        self._task = asyncio.create_task(self._read())
        self.up.set()

    async def _read(self):
        while True:
            await self._packet()

    async def disconnect(self):
        self._task.cancel()
        await self._send(0xE0, b"")
        self._close()
