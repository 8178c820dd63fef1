# Which settings a device takes.
from urootlet.diagnose import check_endpoint
from urootlet.errors import Error
from urootlet.session import Config

GOOD = {"endpoint": "a1b2c3-ats.iot.eu-west-1.amazonaws.com", "thing": "pump-7"}


def tell(name, **changes):
    values = dict(GOOD)
    values.update(changes)
    try:
        config = Config(values)
        check_endpoint(config.endpoint)
        print(name, config.endpoint, config.address, config.port, config.keepalive)
    except Error as error:
        print(name, error.code, error.detail)


tell("good")
tell("gateway", address="192.0.2.1", port=8884)
tell("custom domain", endpoint="iot.example.com")
tell("no thing", thing="")
tell("thing is a number", thing=7)
tell("long thing", thing="x" * 129)
tell("url", endpoint="https://a1b2c3-ats.iot.eu-west-1.amazonaws.com")
tell("with port", endpoint="a1b2c3-ats.iot.eu-west-1.amazonaws.com:8883")
tell("legacy endpoint", endpoint="a1b2c3.iot.eu-west-1.amazonaws.com")
tell("legacy endpoint in China", endpoint="a1b2c3.iot.cn-north-1.amazonaws.com.cn")
tell("port 0", port=0)
tell("port in quotes", port="8883")
tell("short keep-alive", keepalive=5)
