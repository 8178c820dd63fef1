# Runs on the board: what its TLS can do, and the memory that a handshake may have, as JSON.
import gc
import json

import tls

try:
    import esp32

    _memory = max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_DATA))
except ImportError:
    gc.collect()
    _memory = gc.mem_free()
_suites = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).get_ciphers()
print(json.dumps({"tls13": any(s.startswith("TLS1-3-") for s in _suites), "memory": _memory}))
