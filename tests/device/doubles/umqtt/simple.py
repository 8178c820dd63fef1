# A double of the constructor and connect() of umqtt.simple from 1.6 on, where `ssl=` is an object
# with wrap_socket(sock, server_hostname=) instead of a flag that makes connect() import ussl.
# Just enough MQTT 3.1.1 for one message of QoS 1.
import socket
import struct

VERSION = "double of 1.6"


class MQTTException(Exception):
    pass


class MQTTClient:
    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        ssl_params={},  # noqa: B006 - the signature that is imitated
    ):
        self.client_id = client_id.encode()
        self.server = server
        self.port = port
        self.keepalive = keepalive
        self.ssl = ssl

    def connect(self, clean_session=True, timeout=None):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo(self.server, self.port)[0][-1])
        if self.ssl is True or not self.ssl:
            raise MQTTException("not over our context")
        self.sock = self.ssl.wrap_socket(self.sock, server_hostname=self.server)
        body = b"\x00\x04MQTT\x04\x02" + struct.pack("!HH", self.keepalive, len(self.client_id))
        body += self.client_id
        self.sock.write(bytes((0x10, len(body))) + body)
        answer = self.sock.read(4)
        if answer[3]:
            raise MQTTException(answer[3])
        return answer[2] & 1

    def publish(self, topic, msg, retain=False, qos=0):
        body = struct.pack("!H", len(topic)) + topic.encode() + b"\x00\x01" + msg.encode()
        self.sock.write(bytes((0x32, len(body))) + body)
        self.sock.read(4)

    def disconnect(self):
        self.sock.write(b"\xe0\x00")
        self.sock.close()
