# The least MQTT client on asyncio streams that both interpreters run: CONNECT, PUBLISH at QoS 1.
# MQTT 3.1.1 sections 3.1 to 3.4. MicroPython's open_connection takes our context as ``ssl``.
import asyncio


def _string(text):
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(2, "big") + data


def _packet(kind, body):
    size = b""
    left = len(body)
    while True:
        part, left = left & 0x7F, left >> 7
        size += bytes((part | (0x80 if left else 0),))
        if not left:
            return bytes((kind,)) + size + body


class Client:
    def __init__(self, reader, writer, context):
        self._reader, self._writer, self.context = reader, writer, context

    async def answer(self, kind, size):
        head = await self._reader.readexactly(2)
        if head != bytes((kind, size)):
            raise OSError("packet %d" % head[0])
        return await self._reader.readexactly(size)

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def publish(self, topic, text):
        await self.send(_packet(0x32, _string(topic) + b"\0\1" + text.encode()))
        await self.answer(0x40, 2)

    def close(self):
        self._writer.close()


async def connect(config, context):
    reader, writer = await asyncio.open_connection(config.address, config.port, ssl=context)
    client = Client(reader, writer, context)
    try:
        head = _string("MQTT") + b"\4\2" + config.keepalive.to_bytes(2, "big")
        await client.send(_packet(0x10, head + _string(config.thing)))
        answer = await client.answer(0x20, 2)
        if answer[1]:
            raise OSError("CONNACK %d" % answer[1])
    except BaseException:
        client.close()
        raise
    return client
