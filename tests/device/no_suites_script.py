# A firmware that has none of the suites of the bundle's family; the folder is the first argument.
import json
import sys

import urootlet
import urootlet.mqtt_mpy
from urootlet.errors import Error

urootlet.mqtt_mpy.suites = lambda profile, context: []
try:
    urootlet.connect(sys.argv[1] + "/")
except Error as error:
    print(json.dumps({"code": error.code, "detail": error.detail}))
