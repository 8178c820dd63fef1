"""AWS IoT as an operator reaches it: thin functions over boto3, errors in our words.

Credentials, region and endpoints come from the chain that boto3 documents (environment, profile,
instance role, ``AWS_ENDPOINT_URL``); nothing of them is stored or shown. Nothing else in rootlet
knows boto3.
"""

from rootlet.aws.errors import AbsentError, ExistsError, RefusedError
from rootlet.aws.session import Account, Service, connect

__all__ = ["AbsentError", "Account", "ExistsError", "RefusedError", "Service", "connect"]
