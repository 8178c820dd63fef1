"""The one exception of this package. Its code is a row of ``urootlet.advice``."""


class Error(Exception):
    """A refusal or a fault, with a short code such as ``ROOT``.

    ``detail`` names the thing in a few words. ``str()`` gives ``E-ROOT: detail``; ``advice`` is
    one sentence on what to do, loaded only when somebody asks for it.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__("E-" + code + ": " + detail)
        self.code = code
        self.detail = detail

    @property
    def advice(self) -> str:
        """One sentence on what to do."""
        from .advice import ADVICE

        return ADVICE[self.code]
